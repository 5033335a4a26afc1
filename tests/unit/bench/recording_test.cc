// What recordings say, and what is left out of them.
#include "host/bench/recording.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "host/bench/schedule.h"

namespace duet::bench {
namespace {

Recording read(std::string_view text, const std::string& directory = "") {
  auto recording = read_recording(text, directory);
  EXPECT_TRUE(recording.ok()) << recording.error().to_string();
  return recording ? *recording : Recording{};
}

std::vector<std::string> lines_of(const Recording& recording) {
  std::vector<std::string> lines;
  for (const auto& entry : recording.entries) {
    const RequestSpec& spec = recording.requests[entry.request];
    lines.push_back(std::to_string(entry.at / kMillisecond) + " " + spec.method + " " + spec.path);
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(Recording, AnAccessLogHasOrderTimesAndFields) {
  const Recording log = read(
      "10.0.0.1 - ada [27/Nov/2026:18:39:02 +0100] \"GET /c HTTP/1.1\" 200 5\n"
      "10.0.0.1 - - [27/Nov/2026:17:39:00 +0000] \"GET /a?x=\\\"1\\x41 HTTP/1.1\" 200 5 \"-\" "
      "\"curl/8\"\r\n"
      "\n"
      "10.0.0.1 - - [27/Nov/2026:17:39:00 +0000] \"DELETE http://host/b HTTP/1.0\" 200 -\n"
      "10.0.0.1 - - [27/Nov/2026:17:39:00 +0000] \"-\" 408 -\n"
      "10.0.0.1 - - [27/Nov/2026:17:39:00 +0000] \"\\x16\\x03\\x01\" 400 0\n"
      "10.0.0.1 - - [31/Foo/2026:17:39:00 +0000] \"GET / HTTP/1.1\" 200 5\n"
      "no log line\n"
      "10.0.0.1 - - [27/Nov/2026:17:39:03 +0000] \"GET /c HTTP/1.1\" 200 5");
  EXPECT_EQ(log.format, "access log");
  // Two of one second are half a second apart.
  EXPECT_EQ(lines_of(log),
            (Lines{"0 GET /a?x=\"1A", "500 DELETE /b", "2000 GET /c", "3000 GET /c"}));
  EXPECT_EQ(log.requests.size(), 3u);
  EXPECT_TRUE(log.timed);
  EXPECT_EQ(log.requests[log.entries[0].request].fields,
            (std::vector<std::pair<std::string, std::string>>{{"User-Agent", "curl/8"}}));
  EXPECT_EQ(log.left_out_count, 4u);
  EXPECT_EQ(log.left_out[0], "line 5: its request is not like \"GET /path HTTP/1.1\"");
  EXPECT_EQ(log.left_out[2], "line 7: its time is not like [27/Nov/2026:18:39:00 +0100]");
  EXPECT_EQ(log.left_out[3], "line 8: it has no [time]");
}

TEST(Recording, JsonLinesHaveBodiesOfThreeKinds) {
  const std::string directory = ::testing::TempDir();
  const std::string name = "recording_body_" + std::to_string(getpid());
  std::ofstream(directory + "/" + name, std::ios::binary) << std::string("\0\xff", 2);
  const Recording lines = read(
      "{\"path\":\"/a\",\"at\":0.5,\"status\":200}\n"
      "{\"url\":\"https://shop.example/b?q=1#x\",\"json\":{\"id\":7},\"at\":0.25}\n"
      "{\"path\":\"/c\",\"body_file\":\"" +
          name +
          "\",\"method\":\"PUT\",\"at\":1,"
          "\"headers\":{\"Host\":\"no\",\"Accept\":[\"a\",\"b\"]}}\n"
          "{\"path\":\"/d\",\"body_file\":\"absent\"}\n"
          "{\"path\":\"no slash\"}\n"
          "{\"path\":7}\n"
          "[]\n"
          "{\"path\":\"/e\",\"at\":\"yesterday\"}\n"
          "{broken\n"
          "{\"pth\":\"/f\"}\n",
      directory);
  std::remove((directory + "/" + name).c_str());
  EXPECT_EQ(lines.format, "JSON lines");
  EXPECT_EQ(lines_of(lines), (Lines{"0 POST /b?q=1", "250 GET /a", "750 PUT /c"}));
  EXPECT_EQ(lines.requests[1].body, "{\"id\":7}");
  EXPECT_EQ(lines.requests[1].fields[0].second, "application/json");
  EXPECT_EQ(lines.requests[2].body, std::string("\0\xff", 2));
  EXPECT_EQ(lines.requests[2].fields.size(), 2u);  // without Host
  EXPECT_EQ(lines.left_out,
            (Lines{"line 4: its body_file " + directory + "/absent cannot be read",
                   "line 5: 'no slash' is no path", "line 6: its path is no string",
                   "line 7: it is no JSON object",
                   "line 8: its at is neither seconds nor a time like 2026-11-27T18:39:00Z",
                   "line 9: it is no JSON",
                   "line 10: it has neither path nor any other key of a request"}));
}

TEST(Recording, AJsonLineWithoutAPathIsForThatOfTheTarget) {
  const Recording lines = read(
      "{\"headers\":{\"Cookie\":\"a=1\"}}\n{\"headers\":{\"Cookie\":\"a=2\"}}\n"
      "{}\n{\"path\":\"/\"}\n{}\n{\"path\":\"\"}\n");
  ASSERT_EQ(lines.entries.size(), 6u);
  ASSERT_EQ(lines.requests.size(), 4u);
  EXPECT_EQ(lines.requests[0].path, "");
  EXPECT_EQ(lines.requests[2].path, "");
  EXPECT_EQ(lines.requests[3].path, "/");
}

TEST(Recording, AHarIsOfOneHost) {
  const Recording har = read(R"({"log":{"version":"1.2","entries":[
    {"startedDateTime":"2026-11-27T18:39:00.250Z","request":{"method":"POST",
     "url":"https://shop.example/orders","headers":[{"name":":authority","value":"shop.example"},
       {"name":"content-length","value":"3"},{"name":"accept","value":"*/*"}],
     "postData":{"mimeType":"text/plain","text":"abc"}}},
    {"startedDateTime":"2026-11-27T19:39:00.125+01:00","request":{"method":"GET",
     "url":"https://shop.example?q=1","headers":[]}},
    {"startedDateTime":"2026-11-27T18:39:01Z","request":{"method":"GET",
     "url":"https://cdn.example/x.js","headers":[]}},
    {"startedDateTime":"2026-11-27T18:39:01Z","request":{"method":"POST",
     "url":"https://shop.example/form","headers":[],
     "postData":{"params":[{"name":"a","value":"1"}]}}},
    {"request":{}}]}})");
  EXPECT_EQ(har.format, "HAR");
  EXPECT_EQ(lines_of(har), (Lines{"0 GET /?q=1", "125 POST /orders"}));
  EXPECT_EQ(har.requests[0].body, "abc");
  ASSERT_EQ(har.requests[0].fields.size(), 1u);
  EXPECT_EQ(har.requests[0].fields[0].first, "accept");
  EXPECT_EQ(har.left_out,
            (Lines{"entry 3: it went to cdn.example, not to shop.example",
                   "entry 4: its body is given as params alone, without the text that was sent",
                   "entry 5: its method is missing"}));
}

TEST(Recording, WithoutTimesItHasAnOrder) {
  const Recording lines = read("{\"path\":\"/b\"}\n{\"path\":\"/a\",\"at\":7}\n{\"path\":\"/b\"}");
  EXPECT_FALSE(lines.timed);
  EXPECT_EQ(lines_of(lines), (Lines{"0 GET /b", "0 GET /a", "0 GET /b"}));
  EXPECT_EQ(lines.requests.size(), 2u);
}

TEST(Recording, SaysWhyNothingCanBeSent) {
  for (const auto& [text, message] : {std::pair{"", "it is empty"},
                                      {"\n \n", "it is empty"},
                                      {"hello\n", "no request in it can be sent"},
                                      {"{\"log\":{}}", "log.entries is missing"},
                                      {"{\"log\":", "it is no JSON"},
                                      {"{\"log\":{\"entries\":[1]}}", "no request in it"}}) {
    const auto recording = read_recording(text, "");
    ASSERT_FALSE(recording.ok()) << text;
    EXPECT_NE(recording.error().message.find(message), std::string::npos)
        << text << ": " << recording.error().message;
  }
}

TEST(Recording, ReadsTimes) {
  EXPECT_EQ(parse_iso_time("1970-01-01T00:00:01.5Z"), 1'500 * kMillisecond);
  EXPECT_EQ(parse_iso_time("1970-01-01 01:00:00+0100"), 0);
  EXPECT_EQ(parse_log_time("01/Jan/1970:00:00:00 -0130"), 5400 * kSecond);
  for (const char* wrong :
       {"", "1970", "1970-02-30T00:00:00Z", "1970-01-01T25:00:00Z", "1970-01-01T00:00:00 CET"}) {
    EXPECT_FALSE(parse_iso_time(wrong)) << wrong;
  }
  for (const char* wrong : {"", "01/anF/1970:00:00:00", "32/Jan/1970:00:00:00", "01/Jan/1970"}) {
    EXPECT_FALSE(parse_log_time(wrong)) << wrong;
  }
}

// Each arm gets the whole recording, cut into its blocks, at the recorded distances.
TEST(Schedule, ReplaysARecordingToEachArm) {
  ScheduleOptions options;
  options.arrivals = Arrivals::kReplay;
  options.order = {0, 1, 0, 2};
  options.instants = {0, 30 * kMillisecond, 90 * kMillisecond, 150 * kMillisecond};
  options.period = 200 * kMillisecond;
  options.rate = 20;
  options.block = 50 * kMillisecond;
  options.gap = 10 * kMillisecond;
  options.arms = 2;
  options.texts = {3, 3};
  options.warmup = 100 * kMillisecond;  // a round, which plays the recording's end
  options.duration = options.warmup + 500 * kMillisecond;
  const Schedule schedule = *make_schedule(options);
  ASSERT_EQ(schedule.rounds, 5u);
  for (const std::uint16_t arm : {0, 1}) {
    std::vector<std::pair<Nanos, std::uint32_t>> seen;
    for (const Sample& sample : schedule.samples) {
      const Block& block = schedule.blocks[sample.block];
      if (sample.arm != arm) continue;
      seen.emplace_back(block.round * options.block + sample.due - block.from, sample.text);
    }
    const std::vector<std::pair<Nanos, std::uint32_t>> expected = {{0, 2},  // the warm-up
                                                                   {50 * kMillisecond, 0},
                                                                   {80 * kMillisecond, 1},
                                                                   {140 * kMillisecond, 0},
                                                                   {200 * kMillisecond, 2}};
    EXPECT_EQ(seen, expected) << arm;
  }
}

}  // namespace
}  // namespace duet::bench
