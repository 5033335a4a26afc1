// Telling code in threads of the pool that its request is over.
//
// That needs the GIL, and the code may keep it for as long as a large matrix takes, or for ever. So
// a thread of its own waits for it, and not the loop's.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "bindings/python/pool.h"

namespace duet::python {

class PoolAborts {
 public:
  // Whatever `job` still streams goes nowhere from now on. Soon its code knows too: it raises
  // HandlerInterrupted where it is to stop, and its signal fires, on the loop's thread. A job that
  // has not begun and is to stop never begins. Loop's thread, no GIL needed.
  void tell(PoolJob& job, AbortReason reason);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<PoolJob>> waiting_;  // guarded by mutex_
  bool started_ = false;                           // loop's thread
};

}  // namespace duet::python
