// _duet.LoopCore: the C half of the asyncio loop; duet/_loop.py has the other.
//
// The class derives from this and from asyncio.SelectorEventLoop, which carries transports,
// sockets, subprocesses and executors: what they build on (callbacks, timers, descriptors,
// wake-ups) is replaced by EventLoop's.
#pragma once

#include "bindings/python/event_loop.h"

namespace duet::python {

// Creates the type; false with a Python error set.
bool create_loop_type(PyObject* module);

// The EventLoop that `loop`, an instance, stands for; null once it is closed.
EventLoop* core_of(PyObject* loop);

// Gives what the exception that is set says about `handle` to its loop's exception handler.
void report_handle_error(HandleObject* handle);

}  // namespace duet::python
