#include "host/cli/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace duet::cli {

namespace {

sigset_t the_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t set = the_signals();
  fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  // Without a descriptor they end the process, as ever.
  if (fd_ >= 0) pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Interrupt::~Interrupt() {
  if (fd_ < 0) return;
  const sigset_t set = the_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  close(fd_);
}

int Interrupt::wait(Nanos patience) {
  pollfd one{fd_, POLLIN, 0};
  const timespec limit{patience / kSecond, patience % kSecond};
  ppoll(&one, 1, &limit, nullptr);  // without a descriptor it waits all the same
  signalfd_siginfo info;
  while (fd_ >= 0 && read(fd_, &info, sizeof info) == sizeof info) {
    ++count_;
    signal_ = static_cast<int>(info.ssi_signo);
  }
  return count_;
}

}  // namespace duet::cli
