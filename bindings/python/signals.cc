#include "bindings/python/signals.h"

#include <signal.h>

#include <atomic>

#include "bindings/python/convert.h"

namespace duet::python {
namespace {

std::atomic<EventLoop*> woken{nullptr};
std::atomic<void (*)(int)> python_handler{nullptr};  // one for all signals

// In a signal's handler, on any thread: uv_async_send() may be called there, and little else.
void on_signal(int number) {
  python_handler.load()(number);
  if (EventLoop* loop = woken.load()) loop->signalled();
}

void run_python_handlers() {
  if (PyErr_CheckSignals() < 0) log_error("a signal handler raised", nullptr);
}

}  // namespace

void prepare_signals(EventLoop& loop) {
  loop.set_on_signal(run_python_handlers);
  woken.store(&loop);
}

void wake_on_signal(int number) {
  struct sigaction action;
  if (sigaction(number, nullptr, &action) != 0 || action.sa_handler == on_signal) return;
  if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) return;
  python_handler.store(action.sa_handler);
  action.sa_handler = on_signal;
  sigaction(number, &action, nullptr);
}

EventLoop* exchange_woken(EventLoop* loop) { return woken.exchange(loop); }

}  // namespace duet::python
