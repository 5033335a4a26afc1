// Python's handlers of signals while nothing happens: the interpreter runs them between two steps
// of Python code, so a loop that waits in the kernel has to come round for them.
#pragma once

#include "bindings/python/event_loop.h"

namespace duet::python {

// To be called once, on the loop's thread, which is Python's main one.
void prepare_signals(EventLoop& loop);

// From now on this signal wakes the loop that Python's main thread runs. It has just been given a
// handler of Python's; others stay as they are.
void wake_on_signal(int number);

// The loop that Python's main thread runs, and signals wake; null: none. Returns the one before.
EventLoop* exchange_woken(EventLoop* loop);

}  // namespace duet::python
