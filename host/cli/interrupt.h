// Ctrl-C and SIGTERM as something to ask for, for commands that finish what they have.
#pragma once

#include "host/base/clock.h"

namespace duet::cli {

// While it exists these signals do not end the process. Make it before other threads are started:
// they inherit that. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // How many of them have come.
  int count() { return wait(0); }
  // Waits until another one comes, at most that long; gives count().
  int wait(Nanos patience);
  // The latest one's number; 0 when none came.
  int signal() const { return signal_; }

 private:
  int fd_;
  int count_ = 0;
  int signal_ = 0;
};

}  // namespace duet::cli
