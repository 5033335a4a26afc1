#include "bindings/python/timing.h"

#include <algorithm>
#include <utility>

#include "bindings/python/threads.h"

namespace duet::python {
namespace {

struct ScopeObject {
  PyObject_HEAD Owner owner;
};

PyObject* scope_repr(PyObject* self) {
  const Owner owner = reinterpret_cast<ScopeObject*>(self)->owner;
  return PyUnicode_FromFormat("<duet scope of handler %u, request %llu>", owner.handler,
                              static_cast<unsigned long long>(owner.exchange));
}

PyType_Slot scope_slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(scope_repr)},
    {0, nullptr},
};
PyType_Spec scope_spec = {"_duet.Scope", sizeof(ScopeObject), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, scope_slots};

}  // namespace

void Slices::configure(measure::Ledger* ledger, ExchangeTable* exchanges, Gil* gil,
                       ExecutorCalls* executor_calls) {
  executor_calls_ = executor_calls;
  ledger_ = ledger;
  exchanges_ = exchanges;
  gil_ = gil;
}

bool Slices::create_types() {
  scope_type_ = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&scope_spec));
  if (scope_type_ == nullptr) return false;
  variable_ = PyContextVar_New("duet_scope", nullptr);
  return variable_ != nullptr;
}

void Slices::account_gil(measure::Timeline& timeline, Nanos ready_at, Nanos at) {
  // The last wait for the GIL concerns this request when it was ready (or here) before it ended.
  const Nanos from = std::max(gil_->wait_from(), timeline.last());
  const Nanos to = std::min(gil_->wait_to(), at);
  if (to <= from || to <= ready_at) return;
  ledger_->charge_reading(timeline, from);
  timeline.set(measure::Phase::kGil, std::max(from, ready_at));
  timeline.clear(measure::Phase::kGil, to);
}

void Slices::begin(Owner owner, Exchange& exchange, Nanos at) {
  owner_ = owner;
  bound_ = false;
  serial_.store(++last_serial_, std::memory_order_relaxed);
  account_gil(exchange.timeline(), exchange.timeline().last(), at);
  ledger_->begin(owner.handler, &exchange.timeline(), at);
}

void Slices::resume(Owner owner, Nanos ready_at, Nanos at) {
  owner_ = owner;
  bound_ = true;  // only what is bound can be resumed
  serial_.store(++last_serial_, std::memory_order_relaxed);
  measure::Timeline* timeline = nullptr;
  if (Exchange* exchange = owner.exchange ? exchanges_->find(owner.exchange) : nullptr) {
    timeline = &exchange->timeline();
    if (!executor_calls_->empty()) [[unlikely]] {
      executor_calls_->settle(owner.exchange, *timeline, at);
    }
    if (ready_at > 0 && ready_at < at) {
      const Nanos from = std::clamp(gil_->wait_from(), ready_at, at);
      timeline->was_ready(ready_at, from);
      account_gil(*timeline, ready_at, at);
      timeline->was_ready(std::max(from, timeline->last()), at);
    }
  }
  ledger_->begin(owner.handler, timeline, at);
}

Nanos Slices::end(measure::Phase then) {
  if (!executor_calls_->empty()) [[unlikely]] {
    if (Exchange* exchange = exchanges_->find(owner_.exchange)) {
      executor_calls_->suspend(owner_.exchange, exchange->timeline());
    }
  }
  owner_ = Owner{};
  serial_.store(0, std::memory_order_relaxed);
  return ledger_->end(then);
}

bool Slices::bind() {
  if (bound_ || !open()) return true;
  auto* scope = PyObject_New(ScopeObject, scope_type_);
  if (scope == nullptr) return false;
  scope->owner = owner_;
  PyObject* token = PyContextVar_Set(variable_, reinterpret_cast<PyObject*>(scope));
  Py_DECREF(scope);
  if (token == nullptr) return false;
  Py_DECREF(token);
  bound_ = true;
  return true;
}

bool Slices::enter_handler(measure::HandlerIndex handler) {
  const Owner open = std::exchange(owner_, Owner{handler, 0});
  bound_ = false;
  const bool bound = bind();
  owner_ = open;
  return bound;
}

Owner Slices::bound() const {
  PyObject* value = nullptr;
  if (PyContextVar_Get(variable_, nullptr, &value) < 0) {
    PyErr_Clear();
    return {};
  }
  if (value == nullptr) return {};
  const Owner owner = reinterpret_cast<ScopeObject*>(value)->owner;
  Py_DECREF(value);
  return owner;
}

}  // namespace duet::python
