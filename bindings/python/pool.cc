#include "bindings/python/pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <system_error>

#include "bindings/python/wsgi_call.h"
#include "host/base/log.h"

namespace duet::python {
namespace {

using measure::Phase;

// Calls that may wait for a thread. Each holds a copy of its request; whoever comes later would be
// answered long after its client has lost patience.
constexpr std::size_t kMostWaiting = 1024;

constexpr std::uint64_t kIsJob = 1;

void refuse(const Handler& handler, Exchange& exchange, const char* why) {
  static Nanos said = 0;
  const Nanos at = now();
  if (said == 0 || at - said > kSecond) {  // once a second: it happens to many at once
    said = at;
    log::warn(why, {{"handler", handler.name}, {"language", "python"}});
  }
  http::ResponseHead head;
  head.reset(503);
  [[maybe_unused]] const char* none = head.add("Content-Type", "text/plain; charset=utf-8");
  none = head.add("Retry-After", "1");
  exchange.respond(head, "503 Service Unavailable\nAll threads of this handler are busy.\n");
}

// GIL held, the exception set.
void fail(PoolJob& job) {
  // What ended the request has been said, and nothing is wrong with the handler.
  job.told_gone = PyErr_ExceptionMatches(engine->client_disconnected) != 0;
  job.answer.error = take_error(job.handler);
  job.answer.failed = true;
  job.answered = true;
}

// A debugger finds the threads that Python has started, and this is none.
void trace_thread() {
  Ref traced = Ref::steal(engine->call_bootstrap("trace_thread", nullptr, 0));
  if (!traced) log_error("the debugger does not see this thread", nullptr);
}

// One that came too late must not hit the next call of this thread. It is not taken back by
// PyThreadState_SetAsyncExc(…, nullptr): up to CPython 3.12 all threads would go on looking for it
// at each call and jump, and for ever at the first line of a function that is traced.
void swallow_interrupt() {
  Ref raised = Ref::steal(engine->call_bootstrap("nothing", nullptr, 0));
  if (!raised) PyErr_Clear();
}

}  // namespace

bool Pool::on_loop(PoolJob& job, Step step) {
  if (engine->forked) return false;  // the child has no loop
  std::unique_lock lock(job.mutex);
  if (job.gone) return false;
  job.flow = PoolJob::Flow::kWaiting;
  engine->host.loop->post([held = job.shared_from_this(), step = std::move(step)] {
    Exchange* exchange = engine->host.exchanges->find(held->exchange);
    const WriteResult result = exchange ? step(*exchange) : WriteResult::kGone;
    const std::lock_guard guard(held->mutex);
    held->flow = result == WriteResult::kOk     ? PoolJob::Flow::kGo
                 : result == WriteResult::kFull ? PoolJob::Flow::kFull
                                                : PoolJob::Flow::kGone;
    held->changed.notify_all();
  });
  job.changed.wait(lock, [&job] {
    return job.gone || job.flow == PoolJob::Flow::kGo || job.flow == PoolJob::Flow::kGone;
  });
  return !job.gone && job.flow == PoolJob::Flow::kGo;
}

PoolJob* Pool::job_of(const Exchange& exchange) {
  if ((exchange.engine_data & kIsJob) == 0) return nullptr;
  return reinterpret_cast<PoolJob*>(exchange.engine_data & ~kIsJob);
}

void Pool::submit(const Handler& handler, Exchange& exchange) {
  if (busy() >= limit_ + kMostWaiting) {
    return refuse(handler, exchange,
                  "all threads are busy and too many calls wait for one: answered 503");
  }
  if (!has_thread()) {
    return refuse(handler, exchange,
                  "the system gives no thread (see ulimit -u and the limit of the control group): "
                  "answered 503");
  }
  auto job = std::make_shared<PoolJob>();
  job->handler = &handler;
  job->snapshot = snapshot_of(exchange, true);
  job->exchange = exchange.id();
  job->streams_body = !exchange.body_ended();
  exchange.engine_data = reinterpret_cast<std::uint64_t>(job.get()) | kIsJob;
  const Nanos at = now();
  engine->host.ledger->charge_reading(exchange.timeline(), at);
  engine->host.ledger->charge_wait(exchange.timeline(), at);
  exchange.timeline().change(Phase::kQueue, Phase::kPool, at);
  busy_.fetch_add(1, std::memory_order_relaxed);

  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(job));
  wake_.notify_one();
}

bool Pool::has_thread() {
  const std::lock_guard lock(mutex_);
  if (idle_ > queue_.size() || threads_ == limit_) return true;
  try {
    // Never joined: a handler may never return, and the process ends by _exit.
    std::thread([this] { work(); }).detach();
    ++threads_;
  } catch (const std::system_error&) {  // those that there are go on
  }
  return threads_ > 0;
}

void Pool::work() {
  pthread_setname_np(pthread_self(), "duet-blocking");
  if (politeness_ != 0) {
    const auto self = static_cast<id_t>(gettid());
    setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + politeness_);
  }
  // It stays with the thread, so that threading.local() and what libraries keep by thread live from
  // one call to the next.
  PyThreadState* state = nullptr;
  for (;;) {
    const std::shared_ptr<PoolJob> job = next();
    job->started = now();
    const Nanos cpu = thread_cpu_now();
    if (state == nullptr) {
      PyGILState_Ensure();
    } else {
      PyEval_RestoreThread(state);
    }
    job->locked = now();
    run(*job);
    engine->leave_if_forked();
    state = PyEval_SaveThread();
    job->finished = now();
    job->cpu = thread_cpu_now() - cpu;
    engine->host.loop->post([this, job] { finish(*job); });
  }
}

std::shared_ptr<PoolJob> Pool::next() {
  std::unique_lock lock(mutex_);
  ++idle_;
  wake_.wait(lock, [this] { return !queue_.empty(); });
  --idle_;
  std::shared_ptr<PoolJob> job = std::move(queue_.front());
  queue_.pop_front();
  return job;
}

void Pool::run(PoolJob& job) {
  job.request = new_request(*job.handler, 0);
  if (job.request == nullptr) return fail(job);
  job.request->snapshot = job.snapshot.release();
  job.request->job = &job;
  job.python_thread = PyThread_get_thread_ident();  // whoever aborts it from now on tells us
  bool wanted;
  {
    const std::lock_guard lock(job.mutex);
    job.request->abort_reason = job.abort_reason;
    wanted = !job.is_to_stop();
  }
  if (wanted) call(job);
  job.python_thread = 0;
  if (job.interrupted) swallow_interrupt();
  job.answer.owner.reset();  // the job's last holder has no GIL
  RequestObject* request = std::exchange(job.request, nullptr);
  request->job = nullptr;
  Py_DECREF(request);
}

void Pool::call(PoolJob& job) {
  PyObject* context = PyContext_New();
  if (context == nullptr || PyContext_Enter(context) < 0) return fail(job);
  const Handler& handler = *job.handler;
  if (engine->debugged) trace_thread();
  if (handler.interface == Interface::kWsgi) {
    if (!run_wsgi(job)) fail(job);
  } else {
    PyObject* arguments[] = {nullptr, reinterpret_cast<PyObject*>(job.request), handler.env,
                             handler.context};
    Ref value = Ref::steal(PyObject_Vectorcall(
        handler.callable, arguments + 1,
        static_cast<std::size_t>(handler.arguments) | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
    if (value) {
      convert(job, value.get());
    } else {
      fail(job);
    }
  }
  if (PyContext_Exit(context) < 0) PyErr_Clear();
  Py_DECREF(context);
}

void Pool::convert(PoolJob& job, PyObject* value) {
  Ref stream_body;
  switch (convert_result(value, *job.handler, job.answer, stream_body)) {
    case Converted::kError:
      return fail(job);
    case Converted::kWhole:
      // The loop's thread sends it without the GIL: the bytes must not be Python's.
      if (job.answer.owner) {
        job.answer.text.assign(job.answer.body);
        job.answer.body = job.answer.text;
        job.answer.owner.reset();
      }
      job.answered = true;
      return;
    case Converted::kStream:
      break;
  }
  if (Py_TYPE(stream_body.get())->tp_iter == nullptr) {
    PyErr_Format(PyExc_TypeError,
                 "handler '%s' is blocking: its body must be an ordinary iterator, not %.100s",
                 job.handler->name.c_str(), Py_TYPE(stream_body.get())->tp_name);
    return fail(job);
  }
  stream(job, stream_body.get());
}

void Pool::stream(PoolJob& job, PyObject* body) {
  const auto without_gil = [&job](Step step) {
    PyThreadState* state = PyEval_SaveThread();
    const bool going = on_loop(job, std::move(step));
    PyEval_RestoreThread(state);
    return going;
  };
  Ref iterator = Ref::steal(PyObject_GetIter(body));
  bool going = iterator && without_gil([&job](Exchange& exchange) {
                 return exchange.start(job.answer.head) ? WriteResult::kOk : WriteResult::kGone;
               });
  while (going) {
    Ref piece = Ref::steal(PyIter_Next(iterator.get()));
    if (!piece) break;
    std::string bytes;
    if (PyUnicode_Check(piece.get())) {
      bytes = utf8(piece.get());
    } else {
      Ref copied = Ref::steal(PyBytes_FromObject(piece.get()));
      if (!copied) break;
      bytes.assign(PyBytes_AS_STRING(copied.get()),
                   static_cast<std::size_t>(PyBytes_GET_SIZE(copied.get())));
    }
    if (bytes.empty()) continue;
    going = without_gil(
        [bytes = std::move(bytes)](Exchange& exchange) { return exchange.write(bytes); });
  }
  if (PyErr_Occurred()) {
    fail(job);
  } else if (going) {
    without_gil([](Exchange& exchange) {
      exchange.end();
      return WriteResult::kOk;
    });
  }
  if (PyObject_HasAttrString(body, "close")) {
    Ref closed = Ref::steal(PyObject_CallMethodNoArgs(body, names.close));
    if (!closed) log_error("closing a body failed", job.handler);
  }
}

// Loop's thread. The timeline is told only now: it is not for other threads.
void Pool::finish(PoolJob& job) {
  Exchange* const exchange = engine->host.exchanges->find(job.exchange);
  const measure::HandlerIndex handler = job.handler->index;
  engine->host.ledger->add_pool_cpu(
      exchange != nullptr ? exchange->timeline().account_or(handler) : handler, job.cpu);
  if (exchange != nullptr) {
    measure::Timeline& timeline = exchange->timeline();
    timeline.change(Phase::kPool, Phase::kGil, job.started);
    timeline.change(Phase::kGil, Phase::kRun, job.locked);
    timeline.change(Phase::kRun, Phase::kReady, job.finished);
    timeline.clear(Phase::kReady, now());
    if (!job.route.empty()) {
      exchange->set_inner_route(engine->host.inner_route(
          job.handler->index, static_cast<unsigned>(exchange->head().method()), job.route));
    }
    if (job.answered && job.answer.failed) {
      exchange->fail(job.answer.error);
    } else if (job.answered) {
      exchange->respond(job.answer.head, job.answer.body);
    }
  } else if (job.answer.failed && !job.told_gone) {
    log::error("a handler raised after its request had ended",
               {{"handler", job.handler->name},
                {"language", "python"},
                {"error", job.answer.error.message},
                {"at", job.answer.error.where},
                {"stack", job.answer.error.detail}});
  }
  if (Exchange* exchange = engine->host.exchanges->find(job.exchange)) exchange->engine_data = 0;
  busy_.fetch_sub(1, std::memory_order_relaxed);
}

void Pool::writable(PoolJob& job) {
  const std::lock_guard lock(job.mutex);
  if (job.flow == PoolJob::Flow::kFull) job.flow = PoolJob::Flow::kGo;
  job.changed.notify_all();
}

void Pool::body_arrived(PoolJob& job, Exchange& exchange) {
  const std::lock_guard lock(job.mutex);
  job.piece = exchange.take_body();
  job.body_failed = exchange.body_failed();
  if (job.flow == PoolJob::Flow::kFull) job.flow = PoolJob::Flow::kGo;
  job.changed.notify_all();
}

void Pool::gone(PoolJob& job) {
  const std::lock_guard lock(job.mutex);
  job.gone = true;
  job.changed.notify_all();
}

}  // namespace duet::python
