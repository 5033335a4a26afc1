#include "host/bench/server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace duet::bench {

namespace {

constexpr Nanos kGrace = 5 * kSecond;
constexpr int kLookEveryMs = 5;
constexpr std::size_t kMostStartLines = 64 * 1024;  // what is searched for the line

// In the child, after fork(): nothing but system calls.
[[noreturn]] void become(char* const* arguments, char* const* environment,
                         const Processors& processors, int output, int failure) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int empty = open("/dev/null", O_RDONLY);
  dup2(empty, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  int code = processors.empty() ? 0 : stay_on(processors);
  if (code == 0) {
    execvpe(arguments[0], arguments, environment);
    code = errno;
  }
  (void)!write(failure, &code, sizeof code);
  _exit(127);
}

// In the guard, after fork(): nothing but system calls. `life` ends when the bench does.
[[noreturn]] void guard(pid_t group, int life) {
  setpgid(0, 0);
  dup2(life, STDIN_FILENO);
  close_range(STDIN_FILENO + 1, ~0U, 0);  // above all the ends of other guards' pipes
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  prctl(PR_SET_NAME, "bench-guard");
  char nothing;
  while (read(STDIN_FILENO, &nothing, 1) < 0 && errno == EINTR) {
  }
  kill(-group, SIGKILL);
  _exit(0);
}

// This process's environment with `more` on top.
std::vector<char*> environment_with(const std::vector<std::string>& more) {
  std::vector<char*> all;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view given = *one;
    const bool replaced = std::any_of(more.begin(), more.end(), [given](const std::string& other) {
      return given.starts_with(std::string_view(other).substr(0, other.find('=') + 1));
    });
    if (!replaced) all.push_back(*one);
  }
  for (const std::string& one : more) all.push_back(const_cast<char*>(one.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(
    const std::vector<std::string>& command, const std::vector<std::string>& environment,
    const Processors& processors) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const std::vector<char*> variables = environment_with(environment);
  const auto failed = [&](int code) {
    return Error{"cannot run " + command[0] + ": " + std::strerror(code), {}, {}, {}};
  };
  const int output = memfd_create("output", MFD_CLOEXEC);
  if (output < 0) return failed(errno);
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) != 0) {
    const int code = errno;
    close(output);
    return failed(code);
  }
  const pid_t pid = fork();
  if (pid == 0) become(arguments.data(), variables.data(), processors, output, failure[1]);
  int code = pid < 0 ? errno : 0;
  close(failure[1]);
  // The pipe is closed when the program runs; otherwise it brings the reason.
  if (pid > 0 && read(failure[0], &code, sizeof code) <= 0) code = 0;
  close(failure[0]);
  if (code != 0) {
    if (pid > 0) waitpid(pid, nullptr, 0);
    close(output);
    return failed(code);
  }
  std::unique_ptr<ServerProcess> process(new ServerProcess(pid, output));
  if (auto guarded = process->set_guard(); !guarded) return std::move(guarded).error();
  return process;
}

Result<void> ServerProcess::set_guard() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == 0) {
    guard_ = fork();
    if (guard_ == 0) guard(pid_, ends[0]);
    life_ = ends[1];
    close(ends[0]);
  }
  if (guard_ > 0) return {};
  return Error{std::string("a server cannot be guarded: ") + std::strerror(errno), {}, {}, {}};
}

void ServerProcess::ask_to_end() {
  if (!std::exchange(asked_, true)) kill(-pid_, SIGTERM);
}

ServerProcess::~ServerProcess() {
  ask_to_end();
  const Nanos deadline = now() + kGrace;
  while (running() && now() < deadline) poll(nullptr, 0, kLookEveryMs);
  kill(-pid_, SIGKILL);  // also what it started and left behind
  if (!ended_) waitpid(pid_, nullptr, 0);
  if (life_ >= 0) close(life_);
  if (guard_ > 0) waitpid(guard_, nullptr, 0);
  close(output_);
}

bool ServerProcess::running() {
  if (!ended_) ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
  return !ended_;
}

std::string ServerProcess::ending() const {
  return WIFSIGNALED(status_) ? "signal " + std::to_string(WTERMSIG(status_))
                              : "exit code " + std::to_string(WEXITSTATUS(status_));
}

std::string ServerProcess::read_output(std::size_t from, std::size_t most) const {
  std::string text(most, '\0');
  const ssize_t got = pread(output_, text.data(), text.size(), static_cast<off_t>(from));
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

std::string ServerProcess::output(std::size_t most) const {
  struct stat status {};
  if (fstat(output_, &status) != 0) return "";
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size <= most) return read_output(0, most);
  const std::string text = read_output(size - most, most);
  return text.substr(std::min(text.find('\n') + 1, text.size()));  // whole lines
}

Result<std::string> ServerProcess::wait_for_line(std::string_view prefix, Nanos patience,
                                                 const std::function<bool()>& give_up) {
  const Nanos deadline = now() + patience;
  for (;;) {
    const bool over = !running();  // asked before its output is read: that is then complete
    const std::string text = read_output(0, kMostStartLines);
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      const std::string_view line = std::string_view(text).substr(at, end - at);
      if (line.starts_with(prefix)) return std::string(line.substr(prefix.size()));
    }
    if (over) {
      return Error{"it ended before it listened (" + ending() + ")", {}, {}, output()};
    }
    if (give_up()) return Error{"interrupted", {}, {}, {}};
    if (now() >= deadline) {
      return Error{"it does not listen after " + std::to_string(patience / kSecond) + " s",
                   {},
                   {},
                   output()};
    }
    poll(nullptr, 0, kLookEveryMs);
  }
}

}  // namespace duet::bench
