#include "bindings/python/threads.h"

#include <pthread.h>

#include <algorithm>
#include <mutex>

namespace duet::python {
namespace {

// --- a callable that notes when it is called ---

struct CallObject {
  PyObject_HEAD PyObject* function;
  std::shared_ptr<ExecutorCall>* call;  // owned
};

PyTypeObject* call_type = nullptr;

CallObject* cast(PyObject* object) { return reinterpret_cast<CallObject*>(object); }

PyObject* invoke(PyObject* self, PyObject* args, PyObject* kwargs) {
  const std::shared_ptr<ExecutorCall> call = *cast(self)->call;
  call->started.store(now(), std::memory_order_relaxed);
  PyObject* result = PyObject_Call(cast(self)->function, args, kwargs);
  call->ended.store(now(), std::memory_order_relaxed);
  return result;
}

PyObject* get_attribute(PyObject* self, PyObject* name) {
  // For executors and tracers that look at what they are given (__name__, __qualname__, …).
  return PyObject_GetAttr(cast(self)->function, name);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(cast(self)->function);
  return 0;
}
int clear(PyObject* self) {
  Py_CLEAR(cast(self)->function);
  return 0;
}
void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  delete cast(self)->call;
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_call, reinterpret_cast<void*>(invoke)},
    {Py_tp_getattro, reinterpret_cast<void*>(get_attribute)},
    {0, nullptr},
};
PyType_Spec spec = {"_duet.ExecutorCall", sizeof(CallObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};

// --- threads ---

std::mutex threads_mutex;
std::vector<clockid_t> living;  // CPU clocks; guarded by threads_mutex
Nanos ended_cpu = 0;            // guarded by threads_mutex

struct Counted {
  clockid_t clock{};
  Counted() {
    pthread_getcpuclockid(pthread_self(), &clock);
    const std::lock_guard lock(threads_mutex);
    living.push_back(clock);
  }
  ~Counted() {
    const std::lock_guard lock(threads_mutex);
    ended_cpu += thread_cpu_now();
    std::erase(living, clock);
  }
};

}  // namespace

bool ExecutorCalls::create_type() {
  call_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return call_type != nullptr;
}

PyObject* ExecutorCalls::wrap(PyObject* function, Owner owner) {
  CallObject* object = PyObject_GC_New(CallObject, call_type);
  if (object == nullptr) return nullptr;
  auto call = std::make_shared<ExecutorCall>();
  call->exchange = owner.exchange;
  object->function = Py_NewRef(function);
  object->call = new std::shared_ptr<ExecutorCall>(call);
  calls_.push_back(std::move(call));
  PyObject_GC_Track(object);
  return reinterpret_cast<PyObject*>(object);
}

void ExecutorCalls::settle(ExchangeId exchange, measure::Timeline& timeline, Nanos at) {
  using measure::Phase;
  Nanos begun = 0, through = 0;
  bool waiting = false;
  std::erase_if(calls_, [&](const std::shared_ptr<ExecutorCall>& call) {
    const bool abandoned = call.use_count() == 1;  // the request ended before it went on
    if (call->exchange != exchange) return abandoned;
    const Nanos started = call->started.load(std::memory_order_relaxed);
    if (started == 0) {
      waiting = !abandoned;
      return abandoned;
    }
    const Nanos ended = call->ended.load(std::memory_order_relaxed);
    begun = std::max(begun, started);
    through = std::max(through, ended == 0 ? at : ended);
    return ended != 0 || abandoned;  // what still runs is in `run` again after the next slice
  });
  if (waiting) begun = at;
  if (begun == 0) return;
  begun = std::clamp(begun, timeline.last(), at);
  timeline.clear(Phase::kPool, begun);
  if (through <= begun) return;
  timeline.set(Phase::kRun, begun);
  timeline.clear(Phase::kRun, std::min(through, at));
}

void ExecutorCalls::suspend(ExchangeId exchange, measure::Timeline& timeline) {
  for (const auto& call : calls_) {
    if (call->exchange == exchange && call->started.load(std::memory_order_relaxed) == 0) {
      timeline.note(measure::Phase::kPool);
      return;
    }
  }
}

void count_thread() {
  thread_local const Counted counted;
  static_cast<void>(counted);
}

Nanos counted_threads_cpu() {
  const std::lock_guard lock(threads_mutex);
  Nanos total = ended_cpu;
  for (const clockid_t clock : living) {
    timespec spent;
    if (clock_gettime(clock, &spent) == 0) {
      total += static_cast<Nanos>(spent.tv_sec) * kSecond + spent.tv_nsec;
    }
  }
  return total;
}

}  // namespace duet::python
