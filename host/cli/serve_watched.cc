#include "host/cli/serve_watched.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "host/base/clock.h"
#include "host/base/executable.h"
#include "host/base/log.h"
#include "host/cli/command.h"
#include "host/cli/held_sockets.h"
#include "host/cli/load_config.h"
#include "host/cli/source_watch.h"

namespace duet::cli {

namespace {

namespace fs = std::filesystem;

// In a child's environment: its number, so that what a handler starts is none.
constexpr const char* kWatchedVariable = "DUET_WATCHED";
// An editor writes, renames and removes for one wish, and so does `git checkout`.
constexpr Nanos kSettled = 50 * kMillisecond;
// For requests in flight: who saves a file wants to see it, and a stream may never end.
constexpr Nanos kRestartGrace = 500 * kMillisecond;

class WatchedHost {
 public:
  WatchedHost(const std::vector<std::string>& arguments, const HeldSockets& sockets,
              SourceWatch& files)
      : arguments_(arguments), sockets_(sockets), files_(files) {
    sigset_t set;
    sigemptyset(&set);
    for (const int one : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&set, one);
    sigprocmask(SIG_BLOCK, &set, &before_);
    signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~WatchedHost() { close(signals_); }
  WatchedHost(const WatchedHost&) = delete;
  WatchedHost& operator=(const WatchedHost&) = delete;

  bool works() const { return signals_ >= 0; }

  // Errors: there is no further process.
  Result<void> start() {
    std::vector<char*> words{const_cast<char*>("duet")};
    for (const std::string& one : arguments_) words.push_back(const_cast<char*>(one.c_str()));
    words.push_back(nullptr);
    const pid_t parent = getpid();
    child_ = fork();
    if (child_ < 0) return Error{std::string("fork: ") + std::strerror(errno), {}, {}, {}};
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (getppid() != parent) _exit(kExitFailure);
      sigprocmask(SIG_SETMASK, &before_, nullptr);
      sockets_.pass_on();
      setenv(kWatchedVariable, std::to_string(getpid()).c_str(), 1);
      execv(executable_path().c_str(), words.data());
      std::perror(("duet: " + executable_path()).c_str());
      _exit(kExitFailure);
    }
    return {};
  }

  bool running() const { return child_ > 0; }
  // SIGINT or SIGTERM came, which the host has got, too.
  bool told_to_end() const { return told_to_end_; }
  // Of the host that has ended: its exit code, or 128 and the number of its signal.
  int exit_code() const {
    return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
  }

  // Returns the files that have changed, as soon as some have; none: the host has ended, or was
  // told to. At most that long; negative: for ever.
  std::vector<std::string> wait(Nanos patience) {
    pollfd some[] = {{signals_, POLLIN, 0}, {files_.descriptor(), POLLIN, 0}};
    poll(some, 2, patience < 0 ? -1 : static_cast<int>(patience / kMillisecond));
    take_signals();
    return files_.changed();
  }

  // The first signal is a wish, the second an order. What changes meanwhile is in the next start.
  void stop() {
    stopping_ = true;
    if (running()) kill(child_, SIGTERM);
    for (Nanos deadline = now() + kRestartGrace; running();) {
      wait(std::max<Nanos>(deadline - now(), kMillisecond));
      if (running() && now() >= deadline) {
        kill(child_, SIGTERM);
        deadline = now() + kRestartGrace;
      }
    }
    stopping_ = false;
  }

 private:
  void take_signals() {
    signalfd_siginfo info;
    while (read(signals_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGCHLD) {
        if (running() && waitpid(child_, &status_, WNOHANG) == child_) child_ = 0;
        continue;
      }
      // From a terminal the host has it already, and takes this one for its echo.
      const bool knows = stopping_ && !told_to_end_;
      told_to_end_ = true;
      if (running() && !knows) kill(child_, static_cast<int>(info.ssi_signo));
    }
  }

  const std::vector<std::string>& arguments_;
  const HeldSockets& sockets_;
  SourceWatch& files_;
  sigset_t before_;
  int signals_ = -1;
  pid_t child_ = 0;
  int status_ = 0;
  bool stopping_ = false;  // for the next start
  bool told_to_end_ = false;
};

// The folders of handlers and of duet.toml, as far as the configuration can be understood.
void watch_folders(SourceWatch& files, const config::Config& config) {
  bool any = false;
  const auto add = [&](const fs::path& folder) {
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) return;
    files.add(fs::weakly_canonical(folder, ignored).string());
    any = true;
  };
  if (!config.file.empty()) add(fs::path(config.file).parent_path());
  for (const config::Handler& handler : config.handlers) {
    if (!handler.root.empty()) add(handler.root);
    if (handler.source.starts_with('/')) add(fs::path(handler.source).parent_path());
  }
  std::error_code ignored;
  if (!any) add(fs::current_path(ignored));
}

// What the host is to be like, as far as its configuration can be understood now.
void read_again(const config::LoadRequest& request, SourceWatch& files, HeldSockets& sockets) {
  config::Diagnostics diagnostics;
  const std::optional<config::Config> config = read_config(request, diagnostics);
  if (!config) return;
  watch_folders(files, *config);
  if (!diagnostics.ok()) return;
  log::configure(config->server.log_format, config->server.log_level);
  std::vector<config::Address> addresses = config->server.admin;  // opened first by the host, too
  addresses.insert(addresses.end(), config->server.listen.begin(), config->server.listen.end());
  sockets.hold(addresses);
}

// Waits for a change, and for the end of all that belongs to it. None: the host has ended, and is
// not to start again.
std::vector<std::string> next_change(WatchedHost& host) {
  std::vector<std::string> changed;
  bool said = false;
  while (changed.empty()) {
    changed = host.wait(-1);
    if (host.running()) {
      if (host.told_to_end()) changed.clear();
      continue;
    }
    const int code = host.exit_code();
    if (host.told_to_end() || code == kExitOk || code == kExitUsage) return {};
    if (!std::exchange(said, true)) {
      log::warn("the host has ended, and starts again when a file changes",
                {{"exit_code", std::to_string(code)}});
    }
  }
  while (!host.wait(kSettled).empty()) continue;
  if (!host.told_to_end()) return changed;
  while (host.running()) host.wait(-1);
  return {};
}

std::string shown(const std::vector<std::string>& files) {
  std::error_code ignored;
  const std::string here = fs::current_path(ignored).string() + "/";
  const std::string& first = files.front();
  std::string text = first.starts_with(here) ? first.substr(here.size()) : first;
  if (files.size() > 1) text += " and " + std::to_string(files.size() - 1) + " more";
  return text;
}

}  // namespace

bool is_watched() {
  const char* number = std::getenv(kWatchedVariable);
  return number != nullptr && number == std::to_string(getpid());
}

int serve_watched(const std::vector<std::string>& arguments, const config::LoadRequest& request,
                  const std::vector<std::string>& named) {
  auto files = SourceWatch::create();
  if (!files) {
    print_error("duet serve", files.error());
    return kExitFailure;
  }
  for (const std::string& path : named) {
    if (auto added = (*files)->add_named(path); !added) {
      print_error("duet serve", added.error());
      return kExitUsage;
    }
  }
  HeldSockets sockets;
  WatchedHost host(arguments, sockets, **files);
  if (!host.works()) {
    print_error("duet serve", {std::string("signalfd: ") + std::strerror(errno), {}, {}, {}});
    return kExitFailure;
  }
  std::string trouble;
  while (true) {
    read_again(request, **files, sockets);
    if (trouble != (*files)->trouble()) {
      trouble = (*files)->trouble();
      log::warn("not all files are watched: " + trouble);
    }
    (*files)->changed();  // what the host that starts now reads anyway
    if (auto started = host.start(); !started) {
      print_error("duet serve", started.error());
      return kExitFailure;
    }
    const std::vector<std::string> changed = next_change(host);
    if (changed.empty()) return host.exit_code();
    log::info("starting again, since " + shown(changed) + " changed");
    host.stop();
    if (host.told_to_end()) return kExitOk;  // how it ended was up to us
  }
}

}  // namespace duet::cli
