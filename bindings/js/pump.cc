#include "bindings/js/pump.h"

#include <algorithm>

namespace duet::js {

void Pump::attach(v8::Isolate* isolate) {
  isolate->AddGCPrologueCallback(gc_started, this);
  isolate->AddGCEpilogueCallback(gc_ended, this);
  isolate->AddMicrotasksCompletedCallback(microtasks_done, this);
}

void Pump::detach(v8::Isolate* isolate) {
  isolate->RemoveMicrotasksCompletedCallback(microtasks_done, this);
  isolate->RemoveGCEpilogueCallback(gc_ended, this);
  isolate->RemoveGCPrologueCallback(gc_started, this);
}

void Pump::resume(ExchangeId id, measure::HandlerIndex handler, double timer_start,
                  double timer_delay) {
  Exchange* exchange = id != 0 ? exchanges_.find(id) : nullptr;
  measure::Timeline* timeline = exchange != nullptr ? &exchange->timeline() : nullptr;
  const Nanos at = now();
  if (timeline != nullptr && timer_delay > 0) {
    // Node knows in which millisecond the timer was set, and nobody notes the instant. It was
    // before the request began to await, and mostly just before: counting from there, as far as
    // that millisecond reaches, never calls a time ready in which the timer was not due.
    const Nanos truncated = timer_base_ + static_cast<Nanos>(timer_start) * kMillisecond;
    const Nanos set = std::max(truncated, std::min(truncated + kMillisecond, timeline->last()));
    timeline->was_ready(set + static_cast<Nanos>(timer_delay) * kMillisecond, at);
  }
  ledger_.begin(handler, timeline, at);
  current_ = timeline != nullptr ? id : 0;
  shared_.open = 1;
}

void Pump::gc_started(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self) {
  static_cast<Pump*>(self)->gc_since_ = now();
}

void Pump::gc_ended(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* data) {
  Pump* self = static_cast<Pump*>(data);
  if (self->gc_since_ == 0) return;
  const Nanos end = now();
  self->ledger_.add_gc(self->gc_since_, end);
  self->gc_time_ += end - self->gc_since_;
  ++self->gc_count_;
  self->gc_since_ = 0;
}

void Pump::microtasks_done(v8::Isolate*, void* self) { static_cast<Pump*>(self)->pause(); }

}  // namespace duet::js
