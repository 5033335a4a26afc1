#include "bindings/python/pool_aborts.h"

#include <pthread.h>

#include <system_error>
#include <thread>

#include "host/base/log.h"

namespace duet::python {
namespace {

// Callbacks of a signal may be asyncio's, which belong to the loop's thread. It waits for the GIL
// then, but only for requests whose handler asked for the signal.
void fire_signal(const std::shared_ptr<PoolJob>& job, AbortReason reason) {
  engine->host.loop->post([job, reason] {
    engine->gil.take();
    if (job->request != nullptr) {
      Ref held = Ref::borrow(reinterpret_cast<PyObject*>(job->request));
      request_aborted(as_request(held.get()), reason);
    }
    engine->after_python();
  });
}

// GIL held.
void tell_code(const std::shared_ptr<PoolJob>& job) {
  if (job->request == nullptr) return;  // not begun: it finds out by itself; or through
  AbortReason reason;
  bool stop;
  {
    const std::lock_guard lock(job->mutex);
    reason = job->abort_reason;
    stop = job->is_to_stop();
  }
  job->request->abort_reason = reason;
  if (stop && job->python_thread != 0) {
    const int told = PyThreadState_SetAsyncExc(job->python_thread, engine->handler_interrupted);
    job->interrupted = told > 0;
  }
  if (job->request->signal != nullptr) fire_signal(job, reason);
}

}  // namespace

void PoolAborts::tell(PoolJob& job, AbortReason reason) {
  {
    const std::lock_guard lock(job.mutex);
    job.gone = true;
    job.abort_reason = reason;
    job.changed.notify_all();
  }
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(job.shared_from_this());
  }
  wake_.notify_one();
  if (started_) return;
  try {
    std::thread([this] { work(); }).detach();  // as the pool's
    started_ = true;
  } catch (const std::system_error& error) {  // the next one tries again
    log::error("the system gives no thread to interrupt blocking handlers in",
               {{"language", "python"}, {"error", error.what()}});
  }
}

void PoolAborts::work() {
  pthread_setname_np(pthread_self(), "duet-aborts");
  PyThreadState* state = nullptr;
  for (;;) {
    std::vector<std::shared_ptr<PoolJob>> jobs;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !waiting_.empty(); });
      jobs.swap(waiting_);
    }
    if (state == nullptr) {
      PyGILState_Ensure();
    } else {
      PyEval_RestoreThread(state);
    }
    for (const auto& job : jobs) tell_code(job);
    state = PyEval_SaveThread();
  }
}

}  // namespace duet::python
