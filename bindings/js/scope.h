// What must be open around an entry of ours into JavaScript. Both live on the stack only: V8 finds
// the innermost TryCatch by its address.
#pragma once

#include <node.h>
#include <v8.h>

#include "bindings/js/engine.h"

namespace duet::js {

// Handles and a TryCatch for what escapes the scripts: they catch every exception, so that is a
// termination, or the end of the stack. The context is entered for good (engine.cc). What the entry
// queues is left for a Scope, or for JsRuntime::leave().
class LightScope {
 public:
  explicit LightScope(const Engine& engine)
      : handles_(engine.isolate()), caught_(engine.isolate()) {}
  LightScope(const LightScope&) = delete;
  LightScope& operator=(const LightScope&) = delete;

  v8::TryCatch& caught() { return caught_; }

 private:
  v8::HandleScope handles_;
  v8::TryCatch caught_;
};

// The same and a node::CallbackScope, whose end runs the ticks and microtasks that the entry
// queued, unless another one is open around it.
class Scope {
 public:
  explicit Scope(const Engine& engine)
      : isolate_(engine.isolate()),
        handles_(isolate_),
        callback_(isolate_, v8::Object::New(isolate_), node::async_context{0, 0}),
        caught_(isolate_) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  v8::Isolate* isolate() const { return isolate_; }
  v8::TryCatch& caught() { return caught_; }

 private:
  v8::Isolate* isolate_;
  v8::HandleScope handles_;
  node::CallbackScope callback_;
  v8::TryCatch caught_;
};

}  // namespace duet::js
