// A process of its own: its output as it comes, signals, its end. Killed when the test forgets it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/eventually.h"

namespace duet::testing_support {

struct ProcessOptions {
  std::vector<std::string> arguments;  // after the program
  // On top of this process's environment; a variable with no value is taken away.
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;
  std::string directory;       // empty: this process's
  bool terminal = false;       // standard output and error are a terminal
  unsigned short columns = 0;  // of it; 0: it does not say
};

class Process {
 public:
  Process(const std::string& program, const ProcessOptions& options);
  ~Process();  // SIGKILL when it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // The exit code, or 128 + the signal that ended it; -1 when it does not end in time. Its output
  // is complete afterwards.
  int wait(std::chrono::milliseconds patience = kPatience);
  bool running();

  // What it has written so far. With a terminal everything is standard output.
  std::string out() const;
  std::string err() const;
  // Waits until that text has been written; false when it is not in time or the output ended
  // without it.
  bool wait_for_out(std::string_view text, std::chrono::milliseconds patience = kPatience);
  bool wait_for_err(std::string_view text, std::chrono::milliseconds patience = kPatience);
  // Waits for the n-th line (from 0) of standard output; empty when there is none in time.
  std::string out_line(std::size_t index, std::chrono::milliseconds patience = kPatience);

 private:
  void collect(int out, int err);
  bool wait_for(const std::string& stream, const bool& ended, std::string_view text,
                std::chrono::milliseconds patience);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string out_, err_;                       // guarded by mutex_
  bool out_ended_ = false, err_ended_ = false;  // likewise
  std::thread collector_;
};

// Runs it to its end.
struct Finished {
  int exit_code;
  std::string out, err;
};
Finished run(const std::string& program, const ProcessOptions& options,
             std::chrono::milliseconds patience = kPatience);

}  // namespace duet::testing_support
