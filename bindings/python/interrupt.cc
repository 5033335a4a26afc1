#include "bindings/python/interrupt.h"

#include <signal.h>

#include <atomic>

#include "bindings/python/engine.h"

namespace duet::python {
namespace {

// The slice that an interrupt was meant for; 0: none.
std::atomic<std::uint64_t> interrupted_serial{0};

}  // namespace

void request_interrupt(pthread_t loop_thread) {
  const std::uint64_t serial = engine->slices.serial();
  if (serial == 0) return;
  interrupted_serial.store(serial);
  pthread_kill(loop_thread, SIGURG);
}

bool interrupt_is_due() {
  const std::uint64_t serial = interrupted_serial.exchange(0);
  return serial != 0 && serial == engine->slices.serial();
}

void forget_host_signals() {
  struct sigaction of_host, other;
  if (sigaction(SIGTERM, nullptr, &of_host) != 0) return;
  if (of_host.sa_handler == SIG_DFL || of_host.sa_handler == SIG_IGN) return;
  for (int number = 1; number < NSIG; ++number) {
    if (sigaction(number, nullptr, &other) != 0 || other.sa_handler != of_host.sa_handler) continue;
    signal(number, SIG_DFL);
  }
}

#if PY_VERSION_HEX >= 0x030B0000

void prepare_interrupts() {}

#else

// CPython 3.10 looks for signals where bytecode jumps back, unless it lands on the start of a
// `try`. So `while True: try: … except: …` without a call in it hears of none, not even of Ctrl-C,
// for ever. Tracing is looked at before every instruction: the signal's handler turns it on for
// its own thread, and the first line that is traced turns it off and raises.
namespace {

constexpr int kTracing = 255;  // what CPython itself sets `use_tracing` to

pthread_t traced_thread;
PyThreadState* traced_state = nullptr;
void (*python_handler)(int) = nullptr;
Py_tracefunc displaced = nullptr;  // a debugger's, to be put back

int raise_in_line(PyObject*, PyFrameObject*, int, PyObject*) {
  traced_state->c_tracefunc = displaced;
  if (!interrupt_is_due()) return 0;  // the signal was heard meanwhile
  Ref raised = Ref::steal(engine->call_bootstrap("raise_interrupt", nullptr, 0));
  return -1;
}

// In a signal handler: nothing but stores to the thread's own fields.
void on_signal(int number) {
  python_handler(number);
  if (!pthread_equal(pthread_self(), traced_thread) || interrupted_serial.load() == 0) return;
  if (traced_state->c_tracefunc == raise_in_line) return;
  displaced = traced_state->c_tracefunc;
  traced_state->c_tracefunc = raise_in_line;
  traced_state->cframe->use_tracing = kTracing;
}

}  // namespace

void prepare_interrupts() {
  traced_thread = pthread_self();
  traced_state = PyThreadState_Get();
  struct sigaction action;
  sigaction(SIGURG, nullptr, &action);
  python_handler = action.sa_handler;
  action.sa_handler = on_signal;
  sigaction(SIGURG, &action, nullptr);
}

#endif

}  // namespace duet::python
