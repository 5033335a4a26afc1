#include "bindings/js/microtasks.h"

#include "bindings/js/convert.h"

namespace duet::js {

void Microtasks::find(v8::Local<v8::Context> context, v8::Local<v8::Function> internal_require) {
  find_queue(context);
  find_ticks(context, internal_require);
}

void Microtasks::find_queue(v8::Local<v8::Context> context) {
  v8::Isolate* isolate = context->GetIsolate();
  v8::MicrotaskQueue* queue = context->GetMicrotaskQueue();
  auto* words = reinterpret_cast<std::intptr_t*>(queue);
  public_queue_ = queue;
  // The place is believed when three microtasks show there, and their going away too.
  if (words[kSize] != 0) return;
  for (int i = 1; i <= 3; ++i) {
    queue->EnqueueMicrotask(isolate, nothing, nullptr);
    const std::intptr_t capacity = words[kCapacity];
    if (words[kSize] != i || capacity < i || (capacity & (capacity - 1)) != 0) {
      queue->PerformCheckpoint(isolate);
      return;
    }
  }
  queue->PerformCheckpoint(isolate);
  if (words[kSize] == 0 && words[kRing] != 0) queue_ = words;
}

bool Microtasks::save(v8::Isolate* isolate, Saved& saved) const {
  if (queue_ == nullptr) return false;
  auto* ring = reinterpret_cast<std::uintptr_t*>(queue_[kRing]);
  for (std::intptr_t i = 0; i < queue_[kSize]; ++i) {
    // A Local is the address of a word that holds the object; here that word is the queue's.
    std::uintptr_t* word = &ring[(queue_[kStart] + i) & (queue_[kCapacity] - 1)];
    saved.emplace_back(isolate, *reinterpret_cast<v8::Local<v8::Data>*>(&word));
  }
  return true;
}

void Microtasks::restore(v8::Isolate* isolate, Saved& saved) const {
  v8::HandleScope handles(isolate);
  for (v8::Global<v8::Data>& microtask : saved) {
    // V8 makes the room (its queue may have been thrown away), and the word is replaced.
    public_queue_->EnqueueMicrotask(isolate, nothing, nullptr);
    auto* ring = reinterpret_cast<std::uintptr_t*>(queue_[kRing]);
    const std::intptr_t last = queue_[kStart] + queue_[kSize] - 1;
    v8::Local<v8::Data> local = microtask.Get(isolate);
    ring[last & (queue_[kCapacity] - 1)] = **reinterpret_cast<std::uintptr_t**>(&local);
  }
  saved.clear();
}

void Microtasks::find_ticks(v8::Local<v8::Context> context,
                            v8::Local<v8::Function> internal_require) {
  v8::Isolate* isolate = context->GetIsolate();
  v8::TryCatch caught(isolate);
  v8::Local<v8::Value> value = to_string(isolate, "internal/bootstrap/realm");
  const auto get = [&](const char* name) {
    return value->IsObject() &&
           value.As<v8::Object>()->Get(context, to_name(isolate, name)).ToLocal(&value);
  };
  if (!internal_require->Call(context, v8::Undefined(isolate), 1, &value).ToLocal(&value)) return;
  if (!get("internalBinding") || !value->IsFunction()) return;
  v8::Local<v8::Value> name = to_string(isolate, "task_queue");
  if (!value.As<v8::Function>()->Call(context, v8::Undefined(isolate), 1, &name).ToLocal(&value)) {
    return;
  }
  if (!get("tickInfo") || !value->IsUint8Array()) return;
  v8::Local<v8::Uint8Array> ticks = value.As<v8::Uint8Array>();
  if (ticks->ByteLength() < 2) return;
  ticks_array_.Reset(isolate, ticks);
  ticks_ = static_cast<const std::uint8_t*>(ticks->Buffer()->Data()) + ticks->ByteOffset();
}

}  // namespace duet::js
