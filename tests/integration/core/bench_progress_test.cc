// What is seen of a run of `duet bench` while it goes on: on a terminal, and elsewhere.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/integration/core/bench_process.h"
#include "tests/support/screen.h"

namespace duet {
namespace {

using testing_support::bench_options;
using testing_support::Process;
using testing_support::ProcessOptions;
using testing_support::Screen;

constexpr auto kPatience = std::chrono::seconds(30);
constexpr std::string_view kPictureEnd = "\x1b[J";

ProcessOptions on_terminal(std::vector<std::string> arguments, unsigned short columns) {
  ProcessOptions options = bench_options(std::move(arguments));
  options.terminal = true;
  options.columns = columns;
  options.environment.emplace_back("TERM", "xterm");
  options.environment.emplace_back("NO_COLOR", std::nullopt);
  return options;
}

Screen seen(const std::string& bytes, unsigned short columns) {
  Screen screen(columns);
  screen.write(bytes);
  EXPECT_FALSE(screen.wrapped()) << screen.text();
  EXPECT_FALSE(screen.strange()) << bytes;
  return screen;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The lines of the screen from that one on.
std::string from_line(const std::string& text, std::string_view begin) {
  const std::size_t at = ("\n" + text).find("\n" + std::string(begin));
  return at == std::string::npos ? "" : text.substr(at);
}

TEST(BenchProgress, OnATerminalAPictureIsDrawnInItsPlaceAndTakenAway) {
  Process process(testing_support::duet_program(),
                  on_terminal({"first=hello.so", "second=hello.so", "--duration", "3s", "--warmup",
                               "1s", "--rate", "500"},
                              80));
  // A first picture while it warms up, and later one of the run: in the same lines.
  ASSERT_TRUE(process.wait_for_out("warming up", kPatience)) << process.out();
  ASSERT_TRUE(process.wait_for_out("measuring", kPatience)) << process.out();
  std::string out;
  ASSERT_TRUE(testing_support::eventually([&] {
    out = process.out();
    out.resize(out.rfind(kPictureEnd) + kPictureEnd.size());  // whole pictures
    return has(out, "measuring");
  })) << process.out();
  const Screen during = seen(out, 80);
  const std::string picture = from_line(during.text(), "measuring");
  EXPECT_TRUE(has(picture, "░")) << during.text();
  EXPECT_TRUE(has(picture, " left")) << during.text();
  const std::string all[] = {"first", "second", "first (A/A)"};
  for (const std::string& name : all) {
    const std::string line = from_line(picture, "  " + name + "  ");
    EXPECT_TRUE(has(line.substr(0, line.find('\n')), "p50 ")) << name << ": " << during.text();
  }
  EXPECT_TRUE(has(picture, " answered")) << during.text();
  EXPECT_FALSE(has(during.text(), "warming up")) << during.text();
  EXPECT_TRUE(during.colored());

  EXPECT_EQ(process.wait(kPatience), 0);
  Screen end(400);  // the notes below the result are long
  end.write(process.out());
  const std::string after = end.text();
  EXPECT_FALSE(has(after, "measuring")) << after;
  EXPECT_FALSE(has(after, "█")) << after;
  EXPECT_TRUE(has(after, "latency  p50")) << after;
}

TEST(BenchProgress, ANarrowTerminalAndNoColorAreHeeded) {
  ProcessOptions options = on_terminal({"a-handler-with-a-long-name=hello.so", "--duration", "60s",
                                        "--warmup", "0", "--block", "50ms"},
                                       30);
  options.environment.emplace_back("NO_COLOR", "1");
  Process process(testing_support::duet_program(), options);
  ASSERT_TRUE(process.wait_for_out("  2%", kPatience)) << process.out();
  // The notes before the picture may be longer than that.
  const std::size_t picture = process.out().find("measuring");
  ASSERT_NE(picture, std::string::npos);
  const Screen during = seen(process.out().substr(picture), 30);
  EXPECT_TRUE(has(during.text(), "\n  a-handle…  p50 ")) << during.text();
  EXPECT_FALSE(during.colored());

  process.signal(SIGINT);
  EXPECT_EQ(process.wait(kPatience), 128 + SIGINT);
  Screen after(400);
  after.write(process.out());
  EXPECT_FALSE(has(after.text(), "measuring")) << after.text();
  EXPECT_TRUE(has(after.text(), "ending: ")) << after.text();
  EXPECT_TRUE(has(after.text(), "interrupted")) << after.text();
}

TEST(BenchProgress, ASearchIsSeen) {
  Process process(
      testing_support::duet_program(),
      on_terminal({"hello.so", "--objective", "p99 < 100ms", "--warmup", "0", "--rate", "200"},
                  80));
  ASSERT_TRUE(process.wait_for_out("2 trials", kPatience)) << process.out();
  const Screen during = seen(process.out(), 80);
  EXPECT_TRUE(has(during.text(), "\n  hello.so  ")) << during.text();
  EXPECT_TRUE(has(during.text(), " a second  ")) << during.text();
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(kPatience), 128 + SIGINT);
}

TEST(BenchProgress, ElsewhereItIsPlainLines) {
  Process process(testing_support::duet_program(),
                  bench_options({"hello.so", "--duration", "60s", "--warmup", "0"}));
  ASSERT_TRUE(process.wait_for_err("%, ", kPatience)) << process.err();
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(kPatience), 128 + SIGINT);
  EXPECT_TRUE(has(process.err(), " left; p50/p99 hello.so ")) << process.err();
  EXPECT_FALSE(has(process.err(), "\x1b")) << process.err();
  EXPECT_FALSE(has(process.err(), "\r")) << process.err();
}

}  // namespace
}  // namespace duet
