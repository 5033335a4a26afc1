// The GIL on the loop's thread: taken when Python is first needed in an iteration, given up before
// the loop waits.
//
// uv runs I/O callbacks inside its poll, so there is no hook "after the wait, before the first
// callback": whoever needs Python says take(), which is a branch when it is held already. Traffic
// of other engines never says it.
#pragma once

#include "bindings/python/python.h"
#include "host/base/clock.h"
#include "host/loop/loop.h"

namespace duet::python {

// Loop's thread only.
class Gil {
 public:
  // The calling thread holds the GIL (it has just initialised the interpreter).
  void adopt() {
    state_ = PyThreadState_Get();
    held_ = true;
  }

  bool held() const { return held_; }
  // Returns how long it waited: 0 when held already or free.
  void take() {
    if (!held_) [[unlikely]]
      acquire();
  }
  void give() {
    if (!held_) return;
    held_ = false;
    PyEval_SaveThread();
  }

  // The last wait that lasted, [from, to]: what a request that waited for Python then was in.
  // Waits shorter than kWorthNoting are not kept.
  Nanos wait_from() const { return wait_from_; }
  Nanos wait_to() const { return wait_to_; }

  // Taking a free GIL takes 60 ns; shorter waits than this are noise beside two clock reads.
  static constexpr Nanos kWorthNoting = 2 * kMicrosecond;

 private:
  void acquire();

  PyThreadState* state_ = nullptr;
  bool held_ = true;
  Nanos wait_from_ = 0, wait_to_ = 0;
};

// The GIL for a thread of the pool, or any other than the loop's: held as long as the object lives.
class ThreadScope {
 public:
  ThreadScope() : state_(PyGILState_Ensure()) {}
  ~ThreadScope() { PyGILState_Release(state_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  PyGILState_STATE state_;
};

}  // namespace duet::python
