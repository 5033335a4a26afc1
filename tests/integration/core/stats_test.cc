// `duet stats` as another program uses it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using Json = nlohmann::json;

// The program with a socket as its standard input and output, spoken to line by line.
class Coprocess {
 public:
  Coprocess() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    const std::string program = testing_support::duet_program();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDIN_FILENO);
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      execl(program.c_str(), program.c_str(), "stats", static_cast<char*>(nullptr));
      _exit(127);
    }
    close(ends[1]);
    fd_ = ends[0];
  }
  ~Coprocess() {
    close(fd_);
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  void send(const std::string& text) {
    ASSERT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void end_input() { shutdown(fd_, SHUT_WR); }

  // The next line; what there is when the program closes its output or is silent for too long.
  std::string line() {
    for (;;) {
      if (const std::size_t end = received_.find('\n'); end != std::string::npos) {
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 1);
        return line;
      }
      pollfd waiting{fd_, POLLIN, 0};
      char buffer[4096];
      const bool came = poll(&waiting, 1, 10'000) == 1;
      const ssize_t length = came ? read(fd_, buffer, sizeof buffer) : 0;
      if (length <= 0) return std::exchange(received_, "");
      received_.append(buffer, static_cast<std::size_t>(length));
    }
  }
  Json answer(const std::string& question) {
    send(question + "\n");
    return Json::parse(line(), nullptr, false);
  }
  int exit_code() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
  std::string received_;
};

TEST(Stats, AnswersEachLineBeforeTheNextIsAsked) {
  Coprocess stats;
  const Json first = stats.answer(R"({"fn":"log_e","k":710,"n":1467,"theta":0.5586,"c":1266.5})");
  ASSERT_TRUE(first.contains("log_e")) << first;
  EXPECT_NEAR(first["log_e"].get<double>(), 8.45208079461615, 1e-9);
  EXPECT_TRUE(stats.answer("not JSON").contains("error"));
  EXPECT_TRUE(stats.answer("").contains("error"));
  EXPECT_TRUE(stats.answer(R"({"fn":"concentration","t_opt":500,"alpha":0.05})").contains("c"));
  stats.send(R"({"fn":"uniform_radius","t":159,"alpha":0.01})");  // the last one has no line feed
  stats.end_input();
  EXPECT_TRUE(Json::parse(stats.line(), nullptr, false).contains("radius"));
  EXPECT_EQ(stats.line(), "");
  EXPECT_EQ(stats.exit_code(), 0);
}

TEST(Stats, AgreesWithEveryReferenceValue) {
  std::ifstream file(testing_support::source_directory() + "/tests/unit/stats/sequential.json");
  const Json reference = Json::parse(file, nullptr, false);
  Coprocess stats;
  std::size_t rows = 0;
  for (const auto& [fn, questions] : reference.items()) {
    const std::string result = fn == "concentration"    ? "c"
                               : fn == "uniform_radius" ? "radius"
                               : fn == "mean_halfwidth" ? "halfwidth"
                                                        : "log_e";
    for (Json question : questions) {
      const double expected = question[result];
      question.erase(result);
      question["fn"] = fn;
      const Json answer = stats.answer(question.dump());
      ASSERT_TRUE(answer.contains(result)) << question << answer;
      EXPECT_NEAR(answer[result].get<double>(), expected,
                  std::max(1e-12, 1e-9 * std::abs(expected)))
          << question;
      ++rows;
    }
  }
  EXPECT_EQ(rows, 146u);
}

TEST(Stats, HelpNamesEveryFunctionAndArgument) {
  const testing_support::Finished help =
      testing_support::run(testing_support::duet_program(),
                           {.arguments = {"stats", "--help"}, .environment = {}, .directory = ""});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* part : {"Usage", "Examples", "log_e_multi", "concentration", "uniform_radius",
                           "mean_halfwidth", "quantile_log_e", "theta", "t_opt", "n_star"}) {
    EXPECT_NE(help.out.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace duet
