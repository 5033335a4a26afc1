// A server that the bench starts itself, and that ends with it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/clock.h"
#include "host/base/result.h"
#include "host/bench/pinning.h"

namespace duet::bench {

// In a process group of its own, so that Ctrl-C reaches the bench alone, which then decides. A
// second process, the guard, kills that group when the bench goes without doing so, for whatever
// reason. Not thread-safe.
class ServerProcess {
 public:
  // `command`: the program, looked up in PATH, and its arguments. `environment`: "NAME=value", put
  // on top of this process's. `processors`: those that it has; empty: this process's. Its standard
  // output and error are kept in memory, its standard input is empty. Error: it cannot be run.
  static Result<std::unique_ptr<ServerProcess>> start(
      const std::vector<std::string>& command, const std::vector<std::string>& environment = {},
      const Processors& processors = {});
  // ask_to_end(); SIGKILL to what is left of its group when the process that was started has ended,
  // or after five seconds.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  // SIGTERM to its group, unless that was done. Who ends several asks them all first.
  void ask_to_end();
  // How it ended, as a sentence's part: "exit code 3". Once running() is false.
  std::string ending() const;
  // The last lines of what it has written, at most `most` bytes.
  std::string output(std::size_t most = 2000) const;

  // Waits for a line of its output that begins with `prefix`; gives the rest of that line. Errors:
  // it ended, or said nothing of the kind in time (its output is the detail), or `give_up` said so.
  Result<std::string> wait_for_line(std::string_view prefix, Nanos patience,
                                    const std::function<bool()>& give_up);

 private:
  ServerProcess(pid_t pid, int output) : pid_(pid), output_(output) {}
  Result<void> set_guard();
  std::string read_output(std::size_t from, std::size_t most) const;

  pid_t pid_;
  int output_;     // a file in memory that both of its streams are written to
  int life_ = -1;  // the guard waits for its end
  pid_t guard_ = -1;
  bool asked_ = false;  // to end
  bool ended_ = false;
  int status_ = 0;
};

}  // namespace duet::bench
