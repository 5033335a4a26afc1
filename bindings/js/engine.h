// V8 and Node in this process: one platform, one isolate, one environment, on the host's loop.
//
// Node is embedded without its own main loop: the host runs uv_run, and Node's handles (timers,
// sockets, the platform's task wake-up) are handles of that loop like any other. Engine knows no
// exchange and no handler; JsRuntime (runtime.h) does.
#pragma once

#include <node.h>
#include <uv.h>
#include <v8.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/js/microtasks.h"
#include "host/base/result.h"

namespace duet::js {

struct EngineOptions {
  uv_loop_t* loop = nullptr;
  std::string executable;              // process.execPath and process.argv[0]
  std::vector<std::string> arguments;  // process.argv after it
};

// Loop's thread only. V8 cannot be initialised twice in a process, so neither can an Engine.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  v8::Isolate* isolate() const { return isolate_; }
  node::Environment* environment() const { return environment_; }
  // Needs an open HandleScope.
  v8::Local<v8::Context> context() const { return context_.Get(isolate_); }

  const Microtasks& microtasks() const { return microtasks_; }

  // Calls the script function `before` a termination or `after` it. Nothing when there is none.
  void call_before_stop() { call_hook(before_stop_); }
  void call_mend() { call_hook(mend_); }
  void set_stop_hooks(v8::Local<v8::Function> before, v8::Local<v8::Function> after) {
    before_stop_.Reset(isolate_, before);
    mend_.Reset(isolate_, after);
  }

  // The module-level `require` of Node's built-in modules. Needs an open HandleScope.
  v8::Local<v8::Function> builtin_require() const { return require_.Get(isolate_); }

  // The same with Node's internal modules, which change between versions of Node: what is taken
  // from there is checked or has a fallback.
  v8::Local<v8::Function> internal_require() const { return internal_require_.Get(isolate_); }

  // Compiles `source` as the body of function(exports, use, host, require) called `name` in stacks
  // and calls it. Gives what it left in `exports`. For the scripts embedded in this module only:
  // failures are bugs, reported as an Error.
  Result<v8::Local<v8::Object>> run_script(std::string_view name, std::string_view source,
                                           v8::Local<v8::Value> use, v8::Local<v8::Object> host);

 private:
  Engine() = default;
  Result<void> start(const EngineOptions& options);
  void call_hook(const v8::Global<v8::Function>& hook);

  std::shared_ptr<node::InitializationResult> initialization_;
  std::unique_ptr<node::MultiIsolatePlatform> platform_;
  node::EmbedderSnapshotData::Pointer snapshot_;
  std::shared_ptr<node::ArrayBufferAllocator> allocator_;
  v8::Isolate* isolate_ = nullptr;
  node::IsolateData* isolate_data_ = nullptr;
  node::Environment* environment_ = nullptr;
  v8::Global<v8::Context> context_;
  v8::Global<v8::Function> require_, internal_require_, before_stop_, mend_;
  Microtasks microtasks_;
  bool entered_ = false;
};

}  // namespace duet::js
