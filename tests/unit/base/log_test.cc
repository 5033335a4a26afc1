#include "host/base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "host/base/log_line.h"

namespace duet::log {
namespace {

constexpr Nanos kNoon = 1795435200 * kSecond + 7 * kMillisecond;  // 2026-11-23T12:00:00.007Z

std::string text(Level level, std::string_view message, std::vector<Field> fields,
                 bool color = false) {
  setenv("TZ", "UTC", 1);
  tzset();
  std::string out;
  append_text(out, {kNoon, level, message, fields.data(), fields.size()}, color);
  return out;
}

std::string json(Level level, std::string_view message, std::vector<Field> fields) {
  std::string out;
  append_json(out, {kNoon, level, message, fields.data(), fields.size()});
  return out;
}

TEST(LogText, IsOneReadableLine) {
  EXPECT_EQ(text(Level::kInfo, "listening", {}), "12:00:00.007 INFO  listening\n");
  EXPECT_EQ(text(Level::kWarn, "slow", {{"handler", "hello"}, {"route", "/a b"}, {"x", ""}}),
            "12:00:00.007 WARN  slow  handler=hello route=\"/a b\"\n")
      << "a field without a value is left out";
}

TEST(LogText, QuotesInsideValuesAreEscaped) {
  EXPECT_EQ(text(Level::kInfo, "m", {{"k", "say \"hi\" now"}}),
            "12:00:00.007 INFO  m  k=\"say \\\"hi\\\" now\"\n");
}

TEST(LogText, StackFollowsIndented) {
  EXPECT_EQ(text(Level::kError, "failed",
                 {{"stack", "Error: x\r\n\tat f (a.mjs:1:2)\n\n    at g\n"}, {"handler", "h"}}),
            "12:00:00.007 ERROR failed  handler=h\n"
            "    Error: x\n"
            "      at f (a.mjs:1:2)\n"
            "        at g\n");
}

TEST(LogText, NothingDrivesTheTerminal) {
  const std::string line = text(Level::kInfo, "GET /\x1b]0;owned\x07",
                                {{"a\nb", "x\r\n12:00 INFO fake"}, {"stack", "\x1b[2J"}});
  EXPECT_EQ(line,
            "12:00:00.007 INFO  GET /\\e]0;owned\\u{7}  a\\nb=\"x\\r\\n12:00 INFO fake\"\n"
            "    \\e[2J\n");
}

TEST(LogText, ColorIsClosedBeforeTheLineEnds) {
  EXPECT_EQ(text(Level::kError, "m", {{"k", "v"}}, true),
            "\x1b[2m12:00:00.007\x1b[0m \x1b[31mERROR\x1b[0m m  \x1b[2mk=v\x1b[0m\n");
}

TEST(LogJson, HasTimeLevelMessageAndFields) {
  EXPECT_EQ(json(Level::kWarn, "a \"b\"", {{"handler", "h"}, {"hint", ""}, {"stack", "x\ny"}}),
            R"({"time":"2026-11-23T12:00:00.007Z","level":"warn","msg":"a \"b\"",)"
            R"("handler":"h","stack":"x\ny"})"
            "\n");
}

// Standard error of this process as a pipe, for as long as it lives.
class ErrorPipe {
 public:
  ErrorPipe() {
    EXPECT_EQ(pipe(ends_), 0);
    saved_ = dup(STDERR_FILENO);
    dup2(ends_[1], STDERR_FILENO);
    close(ends_[1]);
  }
  ~ErrorPipe() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
    if (ends_[0] >= 0) close(ends_[0]);
  }
  void non_blocking() { fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK); }
  void close_reader() {
    close(ends_[0]);
    ends_[0] = -1;
  }
  // What is there now.
  std::string take() {
    std::string all;
    char bytes[65536];
    pollfd ready{ends_[0], POLLIN, 0};
    while (poll(&ready, 1, 0) == 1) {
      const ssize_t n = ::read(ends_[0], bytes, sizeof bytes);
      if (n <= 0) break;
      all.append(bytes, static_cast<std::size_t>(n));
    }
    return all;
  }

 private:
  int ends_[2] = {-1, -1};
  int saved_ = -1;
};

TEST(LogWrite, IsJsonWhenNobodyWatches) {
  ErrorPipe pipe;
  configure(Format::kAuto, Level::kInfo);
  info("hello", {{"k", "v"}});
  debug("unseen");
  const std::string line = pipe.take();
  EXPECT_EQ(line.find("{\"time\":\"20"), 0u) << line;
  EXPECT_NE(line.find("\"level\":\"info\",\"msg\":\"hello\",\"k\":\"v\"}\n"), line.npos) << line;
  EXPECT_EQ(line.find("unseen"), line.npos);
}

TEST(LogWrite, TextCanBeAskedFor) {
  ErrorPipe pipe;
  configure(Format::kText, Level::kDebug);
  debug("seen");
  const std::string line = pipe.take();
  EXPECT_NE(line.find(" DEBUG seen\n"), line.npos) << line;
  EXPECT_EQ(line.find('\x1b'), line.npos) << "colour in a pipe";
}

TEST(LogWrite, AStalledReaderLosesLinesAndIsTold) {
  ErrorPipe pipe;
  pipe.non_blocking();
  configure(Format::kJson, Level::kInfo);
  const std::string long_value(3000, 'x');
  for (int i = 0; i < 100; ++i) info("flood", {{"v", long_value}});  // 300 kB: pipes hold 64

  std::string seen = pipe.take();
  info("after");
  seen += pipe.take();
  // Every line is whole, and the count of lost ones adds up.
  std::size_t whole = 0;
  std::size_t at = 0;
  while (at < seen.size()) {
    const std::size_t end = seen.find('\n', at);
    ASSERT_NE(end, seen.npos);
    EXPECT_EQ(seen[at], '{');
    EXPECT_EQ(seen[end - 1], '}');
    if (seen.substr(at, end - at).find("\"flood\"") != seen.npos) ++whole;
    at = end + 1;
  }
  const std::string lost = "\"lines\":\"" + std::to_string(100 - whole) + "\"";
  EXPECT_NE(seen.find(lost), seen.npos) << "whole lines: " << whole;
  EXPECT_NE(seen.find("\"msg\":\"after\""), seen.npos);
}

TEST(LogWrite, AGoneReaderHarmsNobody) {
  ErrorPipe pipe;
  pipe.close_reader();
  configure(Format::kJson, Level::kInfo);
  signal(SIGPIPE, SIG_IGN);
  info("nobody hears this");
}

TEST(LogWrite, LinesOfThreadsDoNotMix) {
  ErrorPipe pipe;
  configure(Format::kJson, Level::kInfo);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const std::string value(300, static_cast<char>('a' + t));
      for (int i = 0; i < 30; ++i) info("line", {{"v", value}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string all = pipe.take();
  std::size_t lines = 0;
  for (std::size_t at = 0; at < all.size(); ++lines) {
    const std::size_t end = all.find('\n', at);
    ASSERT_NE(end, all.npos);
    const std::string row = all.substr(at, end - at);
    const char letter = row[row.size() - 3];
    EXPECT_NE(row.find("\"v\":\"" + std::string(300, letter) + "\"}"), row.npos) << row;
    at = end + 1;
  }
  EXPECT_EQ(lines, 120u);
}

}  // namespace
}  // namespace duet::log
