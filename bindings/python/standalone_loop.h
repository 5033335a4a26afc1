// An asyncio loop on a uv loop of its own, run from Python: for tests of the loop class against
// other people's suites (tests/python). Handlers never have one.
#pragma once

#include <sys/types.h>
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
  pid_t process() const { return process_; }  // that made it
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
  const pid_t process_;
};

}  // namespace duet::python
