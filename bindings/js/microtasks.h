// What waits to run when JavaScript returns: microtasks, next-ticks and rejected promises.
//
// node::CallbackScope runs all of it, and costs about as much as the rest of a small request. So
// requests are dispatched without one, and leave() looks whether there is anything to run. Neither
// V8 nor Node says so in public: the counter of the microtasks is read from V8's queue, at a place
// that is tested at start, and Node's flags from the array that its own scripts share with it.
// Where either is not found, everything runs in a CallbackScope as usual.
#pragma once

#include <v8.h>

#include <cstdint>
#include <vector>

namespace duet::js {

class Microtasks {
 public:
  // Finds both. Loop's thread, with the context entered and nothing queued.
  void find(v8::Local<v8::Context> context, v8::Local<v8::Function> internal_require);

  // False: pending() is not to be relied on.
  bool known() const { return queue_ != nullptr && ticks_ != nullptr; }

  // Whether anything waits to run.
  bool pending() const { return size() != 0 || (ticks_[0] | ticks_[1]) != 0; }

  // Takes hold of the microtasks that wait, so that they outlive V8's discarding of them, and puts
  // them back. save() gives false when there may be some that it cannot see.
  using Saved = std::vector<v8::Global<v8::Data>>;
  bool save(v8::Isolate* isolate, Saved& saved) const;
  void restore(v8::Isolate* isolate, Saved& saved) const;

  // Microtasks that wait; 0 when that is not known.
  std::intptr_t size() const { return queue_ != nullptr ? queue_[kSize] : 0; }

 private:
  // Words of v8::internal::MicrotaskQueue: after the vtable come size, capacity, start and ring.
  enum Word { kSize = 1, kCapacity = 2, kStart = 3, kRing = 4 };

  void find_queue(v8::Local<v8::Context> context);
  void find_ticks(v8::Local<v8::Context> context, v8::Local<v8::Function> internal_require);

  static void nothing(void*) {}

  v8::MicrotaskQueue* public_queue_ = nullptr;
  std::intptr_t* queue_ = nullptr;  // its words; null when they are not what they should be
  // Node's tickInfo: [0] a tick is scheduled, [1] a rejection is to be reported.
  const std::uint8_t* ticks_ = nullptr;
  v8::Global<v8::Uint8Array> ticks_array_;  // keeps ticks_ alive
};

}  // namespace duet::js
