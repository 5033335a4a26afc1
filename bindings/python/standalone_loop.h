// An asyncio loop on a uv loop of its own, run from Python: for tests of the loop class against
// CPython's own test suite (tests/python/asyncio_suite.py). Handlers never have one.
#pragma once

#include <uv.h>

#include "bindings/python/event_loop.h"

namespace duet::python {

class StandaloneLoop {
 public:
  StandaloneLoop();
  ~StandaloneLoop();
  StandaloneLoop(const StandaloneLoop&) = delete;
  StandaloneLoop& operator=(const StandaloneLoop&) = delete;

  EventLoop& events() { return *events_; }

  // Until stop(); at least one tick. False with a Python error set: SystemExit or
  // KeyboardInterrupt of a callback. GIL held by the caller.
  bool run();
  void stop() { stopping_ = true; }
  void close();

 private:
  void run_handle(HandleObject* handle);

  uv_loop_t loop_;
  uv_prepare_t prepare_;
  uv_check_t check_;
  Gil gil_;
  std::unique_ptr<EventLoop> events_;
  Ref error_;
  bool stopping_ = false;
  bool closed_ = false;
};

}  // namespace duet::python
