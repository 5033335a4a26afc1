#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>

namespace duet::testing_support {

namespace {

std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::optional<std::string>>>& changes) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables[std::string(text.substr(0, equals))] = text.substr(equals + 1);
    }
  }
  for (const auto& [name, value] : changes) {
    if (value) {
      variables[name] = *value;
    } else {
      variables.erase(name);
    }
  }
  std::vector<std::string> all;
  for (const auto& [name, value] : variables) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

Process::Process(const std::string& program, const ProcessOptions& options) {
  int out[2] = {-1, -1}, err[2] = {-1, -1};
  if (options.terminal) {
    winsize size{};
    size.ws_col = options.columns;
    if (openpty(&out[0], &out[1], nullptr, nullptr, &size) != 0) {
      throw std::runtime_error(std::string("no pseudo-terminal: ") + std::strerror(errno));
    }
    fcntl(out[0], F_SETFD, FD_CLOEXEC);
    fcntl(out[1], F_SETFD, FD_CLOEXEC);
  } else if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
    throw std::runtime_error(std::string("no pipe: ") + std::strerror(errno));
  }
  std::vector<std::string> arguments{program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment = environment_with(options.environment);
  const auto argv = pointers(arguments);
  const auto envp = pointers(environment);

  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error(std::string("cannot fork: ") + std::strerror(errno));
  if (pid_ == 0) {  // only functions that are safe after fork() in a process with threads
    setpgid(0, 0);
    if (!options.directory.empty() && chdir(options.directory.c_str()) != 0) _exit(126);
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(out[1], 1);
    dup2(options.terminal ? out[1] : err[1], 2);
    execve(program.c_str(), argv.data(), envp.data());
    _exit(127);
  }
  ::close(out[1]);
  if (err[1] >= 0) ::close(err[1]);
  if (options.terminal) err_ended_ = true;
  collector_ =
      std::thread([this, from_out = out[0], from_err = err[0]] { collect(from_out, from_err); });
}

Process::~Process() {
  if (!exit_code_) {
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
    wait();
  }
  if (collector_.joinable()) collector_.join();
}

void Process::collect(int out, int err) {
  struct Source {
    int fd;
    std::string* to;
    bool* ended;
  } sources[2] = {{out, &out_, &out_ended_}, {err, &err_, &err_ended_}};
  char buffer[16384];
  for (;;) {
    pollfd entries[2] = {{sources[0].fd, POLLIN, 0}, {sources[1].fd, POLLIN, 0}};
    if (sources[0].fd < 0 && sources[1].fd < 0) return;
    if (poll(entries, 2, -1) < 0 && errno != EINTR) return;
    for (int i = 0; i < 2; ++i) {
      Source& source = sources[i];
      if (source.fd < 0 || entries[i].revents == 0) continue;
      const ssize_t got = read(source.fd, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      const std::lock_guard lock(mutex_);
      if (got > 0) {
        source.to->append(buffer, static_cast<std::size_t>(got));
      } else {
        ::close(std::exchange(source.fd, -1));
        *source.ended = true;
      }
      changed_.notify_all();
    }
  }
}

void Process::signal(int number) const { kill(pid_, number); }

bool Process::running() { return !exit_code_ && wait(std::chrono::milliseconds(0)) == -1; }

int Process::wait(std::chrono::milliseconds patience) {
  if (exit_code_) return *exit_code_;
  int status = 0;
  pid_t ended = 0;
  eventually([&] { return (ended = waitpid(pid_, &status, WNOHANG)) != 0; }, patience);
  if (ended != pid_) return -1;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  // A grandchild that kept our pipes open must not hold the test up for ever.
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [this] { return out_ended_ && err_ended_; });
  if (!out_ended_ || !err_ended_) kill(-pid_, SIGKILL);
  return *exit_code_;
}

std::string Process::out() const {
  const std::lock_guard lock(mutex_);
  return out_;
}

std::string Process::err() const {
  const std::lock_guard lock(mutex_);
  return err_;
}

bool Process::wait_for(const std::string& stream, const bool& ended, std::string_view text,
                       std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience,
                    [&] { return stream.find(text) != std::string::npos || ended; });
  return stream.find(text) != std::string::npos;
}

bool Process::wait_for_out(std::string_view text, std::chrono::milliseconds patience) {
  return wait_for(out_, out_ended_, text, patience);
}

bool Process::wait_for_err(std::string_view text, std::chrono::milliseconds patience) {
  return wait_for(err_, err_ended_, text, patience);
}

std::string Process::out_line(std::size_t index, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  std::string found;
  changed_.wait_for(lock, patience, [&] {
    std::size_t from = 0;
    for (std::size_t line = 0;; ++line) {
      const std::size_t end = out_.find('\n', from);
      if (end == std::string::npos) return out_ended_;
      if (line == index) {
        found = out_.substr(from, end - from);
        return true;
      }
      from = end + 1;
    }
  });
  return found;
}

Finished run(const std::string& program, const ProcessOptions& options,
             std::chrono::milliseconds patience) {
  Process process(program, options);
  const int exit_code = process.wait(patience);
  return {exit_code, process.out(), process.err()};
}

}  // namespace duet::testing_support
