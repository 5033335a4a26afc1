#include "host/cli/held_loop.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "host/base/check.h"
#include "host/base/clock.h"

namespace duet::cli {

namespace {

// npm and coreutils' `timeout` send one wish twice, within a millisecond or two: to the process and
// to its group. Nobody presses a key again as soon as this.
constexpr Nanos kEcho = 100 * kMillisecond;

// A loop that is only busy turns within this.
constexpr std::chrono::milliseconds kTurnPatience(250);

int first_came = -1;  // an eventfd: what a signal handler may write to
std::atomic<int> unseen{0};
std::atomic<Nanos> heard{0};
struct sigaction of_the_loop[NSIG];

// A signal handler: system calls and atomics only.
void on_signal(int number) {
  const Nanos at = now();
  if (at - heard.load() < kEcho) return;
  heard.store(at);
  if (unseen.fetch_add(1) == 0) {
    [[maybe_unused]] const int told = eventfd_write(first_came, 1);
    return of_the_loop[number].sa_handler(number);
  }
  constexpr std::string_view kWhy = "duet: stopped at once by a second signal: the loop was held\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kWhy.data(), kWhy.size());
  _exit(128 + number);
}

void watch(const std::function<void()>& held) {
  while (true) {
    eventfd_t ignored;
    if (eventfd_read(first_came, &ignored) != 0) {
      if (errno == EINTR) continue;
      return;  // code that closes all descriptors closed this one, too
    }
    std::this_thread::sleep_for(kTurnPatience);
    if (unseen.load() > 0) held();
  }
}

}  // namespace

void stop_even_a_held_loop(std::span<const int> signals, std::function<void()> held) {
  first_came = eventfd(0, EFD_CLOEXEC);
  DUET_CHECK(first_came >= 0);
  std::thread([held = std::move(held)] { watch(held); }).detach();
  for (const int number : signals) {
    DUET_CHECK(sigaction(number, nullptr, &of_the_loop[number]) == 0);
    struct sigaction ours = of_the_loop[number];
    ours.sa_handler = on_signal;
    DUET_CHECK(sigaction(number, &ours, nullptr) == 0);
  }
}

void signal_seen() { unseen.store(0); }

}  // namespace duet::cli
