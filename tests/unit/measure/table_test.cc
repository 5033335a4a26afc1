#include "host/measure/table.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/measure/sample_snapshot.h"

namespace duet::measure {
namespace {

std::size_t columns(std::string_view line) {
  std::size_t count = 0;
  for (const char c : line) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

void expect_fits(const std::string& text, std::size_t most = 100) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(columns(line), most) << line;
    EXPECT_FALSE(line.ends_with(' ')) << "'" << line << "'";
  }
}

// Whether one line holds all of these.
bool has_line(const std::string& text, const std::vector<std::string>& parts) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    bool all = true;
    for (const std::string& part : parts) all = all && line.find(part) != std::string::npos;
    if (all) return true;
  }
  return false;
}

TEST(Table, DurationsHaveTheUnitThatPeopleRead) {
  EXPECT_EQ(format_duration(0), "0");
  EXPECT_EQ(format_duration(812), "812 ns");
  EXPECT_EQ(format_duration(6'120), "6.1 µs");
  EXPECT_EQ(format_duration(9'960), "10 µs");
  EXPECT_EQ(format_duration(61'400), "61 µs");
  EXPECT_EQ(format_duration(999'600), "1.0 ms");
  EXPECT_EQ(format_duration(1'234'000), "1.2 ms");
  EXPECT_EQ(format_duration(999'600'000), "1.0 s");
  EXPECT_EQ(format_duration(12 * kSecond), "12.0 s");
  EXPECT_EQ(format_duration(200 * kSecond), "3 min 20 s");
  EXPECT_EQ(format_duration(7320 * kSecond), "2 h 2 min");
  EXPECT_EQ(format_duration(-6'120), "-6.1 µs");
}

TEST(Table, CountsAndBytesAreReadable) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1'234'567), "1,234,567");
  EXPECT_EQ(format_bytes(812), "812 B");
  EXPECT_EQ(format_bytes(6'246), "6.1 KiB");
  EXPECT_EQ(format_bytes(12 << 20), "12 MiB");
}

TEST(Table, SummaryShowsRequestsPhasesAndBlame) {
  Sample sample;
  sample.run();
  EngineSnapshot node, python;
  node.name = "javascript";
  node.heap_used = 12 << 20;
  node.gc_count = 34;
  node.gc_time = 51 * kMillisecond;
  python.name = "python";
  python.gc_count = 3;
  python.gc_time = 1200 * kMicrosecond;
  const std::string text = summary_table(take_snapshot(sample.metrics, {node, python}));
  EXPECT_TRUE(has_line(text, {"handler", "requests", "errors", "p50", "p99", "CPU each"})) << text;
  EXPECT_TRUE(has_line(text, {"country_js", "JavaScript", "110", " 0 ", "15 µs"})) << text;
  EXPECT_TRUE(has_line(text, {"country_py", "Python", "101", " 1 ", "18 µs", "20 ms"})) << text;
  EXPECT_TRUE(has_line(text, {"country_js", "10 µs", "2.0 µs", "3.0 µs", "·"})) << text;
  EXPECT_TRUE(has_line(text, {"country_js waited 100 ms because of country_py"})) << text;
  EXPECT_TRUE(has_line(text, {"CPU", "handlers", "loop"})) << text;
  EXPECT_TRUE(has_line(text, {"memory ",
                              "; JavaScript heap 12 MiB, 34 collections in 51 ms; "
                              "Python 3 collections in 1.2 ms"}))
      << text;
  expect_fits(text);
}

// The width that terminals open with: a table that wraps cannot be read.
TEST(Table, FitsATerminalOf80Columns) {
  Sample sample;
  sample.third("a_handler_with_a_long_name.mjs", "javascript");
  sample.run();
  std::string text = summary_table(take_snapshot(sample.metrics, {}), {.columns = 80});
  EXPECT_TRUE(has_line(text, {"handler", "requests", "p50", "p99", "CPU each"})) << text;
  EXPECT_TRUE(has_line(text, {"median of a phase", "queue", "write", "gc"})) << text;
  text.erase(text.rfind("\nCPU ") + 1);  // the sentences at the end may wrap
  expect_fits(text, 80);
}

TEST(Table, AHostWithoutRequestsSaysSo) {
  Sample sample;
  const std::string text = summary_table(take_snapshot(sample.metrics, {}));
  EXPECT_TRUE(has_line(text, {"No handler had a request."})) << text;
}

TEST(Table, LongNamesAreCutAtWholeCharacters) {
  Sample sample;
  sample.third("länder_mit_ünüblich_langen_Namen_und_mehr", "python");
  const std::string text = summary_table(take_snapshot(sample.metrics, {}));
  EXPECT_TRUE(has_line(text, {"länder_mit_ünüblich…"})) << text;
  expect_fits(text);
}

TEST(Table, LongRoutesKeepTheirEnds) {
  Sample sample;
  sample.run();
  Snapshot shot = take_snapshot(sample.metrics, {});
  for (const char* end : {"change/", "delete/"}) {
    InnerRouteSnapshot& route = shot.handlers[0].inner_routes.emplace_back();
    route.method = "GET";
    route.pattern = std::string("/admin/auth/größe/<path:object_id>/") + end;
    route.requests = 1;
  }
  const std::string text = summary_table(shot, {.columns = 80});
  EXPECT_TRUE(has_line(text, {"GET /admin…d>/change/", "1"})) << text;
  EXPECT_TRUE(has_line(text, {"GET /admin…d>/delete/", "1"})) << text;
  expect_fits(text.substr(0, text.rfind("\nCPU ")), 80);
}

TEST(Table, ColourAddsNothingButEmphasis) {
  Sample sample;
  sample.run();
  const Snapshot shot = take_snapshot(sample.metrics, {});
  std::string colored = summary_table(shot, {true});
  EXPECT_NE(colored.find("\033[1m"), std::string::npos);
  for (const std::string_view sequence : {"\033[1m", "\033[2m", "\033[0m"}) {
    for (std::size_t at; (at = colored.find(sequence)) != std::string::npos;) {
      colored.erase(at, sequence.size());
    }
  }
  EXPECT_EQ(colored, summary_table(shot));
}

}  // namespace
}  // namespace duet::measure
