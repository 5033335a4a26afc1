#include "bindings/js/interrupt.h"

#include <algorithm>
#include <utility>

#include "bindings/js/convert.h"

namespace duet::js {
namespace {

// What V8 gets beyond its limit so that the code which filled it can be stopped instead of the
// process: it stops at the next call or loop, and one built-in call may allocate much before that.
constexpr std::size_t kHeapReserve = std::size_t{256} << 20;

}  // namespace

Interrupter::Interrupter(Engine& engine, Loop& loop, measure::Ledger& ledger, Pump& pump,
                         Stopped stopped)
    : engine_(engine), loop_(loop), ledger_(ledger), pump_(pump), on_stopped_(std::move(stopped)) {
  engine_.isolate()->AddNearHeapLimitCallback(on_heap_limit, this);
}

Interrupter::~Interrupter() {
  engine_.isolate()->RemoveNearHeapLimitCallback(on_heap_limit, initial_heap_limit_);
}

void Interrupter::request() noexcept {
  asked_since_.store(ledger_.holder().since, std::memory_order_relaxed);
  engine_.isolate()->RequestInterrupt(on_interrupt, this);
}

// Runs inside the code that is to be stopped, at a loop's end or a call.
void Interrupter::on_interrupt(v8::Isolate* isolate, void* data) {
  auto* self = static_cast<Interrupter*>(data);
  if (self->stopped_) return;
  if (!self->heap_full_ &&
      self->ledger_.holder().since != self->asked_since_.load(std::memory_order_relaxed)) {
    return;  // the slice ended by itself meanwhile
  }
  self->stopped_ = true;
  Stop& stop = self->stop_;
  stop.reason = self->heap_full_ ? Reason::kHeapFull : Reason::kHolds;
  stop.id = self->pump_.current();
  stop.handler = self->ledger_.current_handler();
  v8::HandleScope handles(isolate);
  v8::MicrotaskQueue* queue = self->engine_.context()->GetMicrotaskQueue();
  // Before the first of them runs, microtasks are safe: it is the running of them that discards.
  if (queue->IsRunningMicrotasks()) {
    stop.lost = !self->engine_.microtasks().save(isolate, self->saved_);
  }
  // Running JavaScript here is what V8's own debugger does: it stands still at a safe place.
  v8::Local<v8::Context> context = self->engine_.context();
  v8::Context::Scope scope(context);
  stop.place =
      error_from(isolate, context, v8::Exception::Error(to_name(isolate, "it was stopped here")));
  self->engine_.call_before_stop();
  isolate->TerminateExecution();
  self->loop_.post([self] { self->recover(); });
}

std::size_t Interrupter::on_heap_limit(void* data, std::size_t current, std::size_t initial) {
  auto* self = static_cast<Interrupter*>(data);
  self->initial_heap_limit_ = initial;
  if (!self->heap_full_) {
    self->heap_full_ = true;
    self->engine_.isolate()->RequestInterrupt(on_interrupt, self);
  }
  // More than twice the limit means that a single call cannot be stopped: V8 then ends the process.
  return std::min(current + kHeapReserve, 2 * initial + kHeapReserve);
}

void Interrupter::recover() {
  if (!stopped_) return;
  v8::Isolate* isolate = engine_.isolate();
  isolate->CancelTerminateExecution();
  stopped_ = false;
  pump_.pause();
  engine_.microtasks().restore(isolate, saved_);
  engine_.call_mend();
  if (heap_full_) {
    heap_full_ = false;
    isolate->LowMemoryNotification();  // what filled the heap is garbage now
    isolate->RemoveNearHeapLimitCallback(on_heap_limit, initial_heap_limit_);
    isolate->AddNearHeapLimitCallback(on_heap_limit, this);
  }
  on_stopped_(std::exchange(stop_, Stop{}));
}

}  // namespace duet::js
