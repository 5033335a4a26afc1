#include "bindings/js/engine.h"

#include <dlfcn.h>

#include <algorithm>
#include <thread>

#include "bindings/js/convert.h"
#include "host/base/log.h"

namespace duet::js {
namespace {

// V8's helper threads compile and collect in the background. Node starts 4; more than the machine
// has cores only adds switches.
int platform_threads() {
  const unsigned cores = std::thread::hardware_concurrency();
  return static_cast<int>(std::clamp(cores, 1u, 4u));
}

// Native addons look Node-API symbols up in the global scope; the host may have opened this module
// (and libnode with it) in a local one.
void make_libnode_global() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&node::GetCurrentEventLoop), &info) != 0) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
  }
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(const EngineOptions& options) {
  std::unique_ptr<Engine> engine(new Engine);
  Result<void> started = engine->start(options);
  if (!started.ok()) return std::move(started).error();
  return engine;
}

Result<void> Engine::start(const EngineOptions& options) {
  make_libnode_global();
  using Init = node::ProcessInitializationFlags::Flags;
  std::vector<std::string> arguments{options.executable};
  initialization_ = node::InitializeOncePerProcess(
      arguments,
      static_cast<Init>(Init::kNoInitializeV8 | Init::kNoInitializeNodeV8Platform |
                        Init::kNoStdioInitialization | Init::kNoDefaultSignalHandling |
                        Init::kNoAdjustResourceLimits | Init::kNoPrintHelpOrVersionOutput));
  if (initialization_->early_return()) {
    std::string why;
    for (const std::string& error : initialization_->errors()) {
      if (!why.empty()) why += "; ";
      why += error;
    }
    return Error{"Node cannot start: " + (why.empty() ? "it gave no reason" : why), "",
                 "check NODE_OPTIONS", ""};
  }

  platform_ = node::MultiIsolatePlatform::Create(platform_threads());
  v8::V8::InitializePlatform(platform_.get());
  v8::V8::Initialize();

  snapshot_ = node::EmbedderSnapshotData::BuiltinSnapshotData();
  allocator_ = node::ArrayBufferAllocator::Create();
  isolate_ = node::NewIsolate(allocator_, options.loop, platform_.get(), snapshot_.get());
  if (isolate_ == nullptr) {
    return Error{"V8 cannot create an isolate", "", "is there memory left?", ""};
  }
  // Entered once and for good: this thread runs no other isolate (a Worker has a thread of its
  // own).
  isolate_->Enter();
  entered_ = true;

  v8::HandleScope handles(isolate_);
  isolate_data_ = node::CreateIsolateData(isolate_, options.loop, platform_.get(), allocator_.get(),
                                          snapshot_.get());
  std::vector<std::string> argv{options.executable};
  argv.insert(argv.end(), options.arguments.begin(), options.arguments.end());
  // An empty context: the one in the snapshot is used, which is what makes the start fast.
  environment_ = node::CreateEnvironment(isolate_data_, v8::Local<v8::Context>(), argv,
                                         initialization_->exec_args());
  if (environment_ == nullptr) return Error{"Node cannot create its environment", "", "", ""};
  v8::Local<v8::Context> context = node::GetMainContext(environment_);
  context_.Reset(isolate_, context);
  // For good as well: an entry of ours is then a call and nothing else.
  context->Enter();

  v8::TryCatch caught(isolate_);
  v8::MaybeLocal<v8::Value> loaded = node::LoadEnvironment(
      environment_,
      [this](const node::StartExecutionCallbackInfo& info) -> v8::MaybeLocal<v8::Value> {
        require_.Reset(isolate_, info.native_require);
        return v8::Undefined(isolate_);
      },
      [this](node::Environment*, v8::Local<v8::Value>, v8::Local<v8::Value> require) {
        // Workers come here too, on their threads and with their isolates.
        if (v8::Isolate::GetCurrent() != isolate_) return;
        internal_require_.Reset(isolate_, require.As<v8::Function>());
      });
  if (loaded.IsEmpty()) {
    return caught.HasCaught() ? error_from(isolate_, context, caught.Exception())
                              : Error{"Node cannot load its environment", "", "", ""};
  }
  microtasks_.find(context, internal_require());
  return {};
}

Result<v8::Local<v8::Object>> Engine::run_script(std::string_view name, std::string_view source,
                                                 v8::Local<v8::Value> use,
                                                 v8::Local<v8::Object> host) {
  v8::EscapableHandleScope handles(isolate_);
  v8::Local<v8::Context> context = this->context();
  v8::TryCatch caught(isolate_);
  v8::ScriptOrigin origin(to_string(isolate_, name));
  v8::ScriptCompiler::Source code(to_string(isolate_, source), origin);
  v8::Local<v8::String> parameters[] = {to_string(isolate_, "exports"), to_string(isolate_, "use"),
                                        to_string(isolate_, "host"),
                                        to_string(isolate_, "require")};
  v8::Local<v8::Object> exports = v8::Object::New(isolate_);
  v8::Local<v8::Value> values[] = {exports, use, host, builtin_require()};
  v8::Local<v8::Function> function;
  if (v8::ScriptCompiler::CompileFunction(context, &code, std::size(parameters), parameters)
          .ToLocal(&function) &&
      !function->Call(context, v8::Undefined(isolate_), std::size(values), values).IsEmpty()) {
    return handles.Escape(exports);
  }
  return error_from(isolate_, context, caught.Exception());
}

void Engine::call_hook(const v8::Global<v8::Function>& hook) {
  if (hook.IsEmpty()) return;
  v8::HandleScope handles(isolate_);
  v8::TryCatch caught(isolate_);
  v8::Local<v8::Value> ignored;
  if (!hook.Get(isolate_)->Call(context(), v8::Undefined(isolate_), 0, nullptr).ToLocal(&ignored)) {
    log::warn("the state after a stopped handler could not be mended");
  }
}

Engine::~Engine() {
  if (isolate_ == nullptr) return;
  {
    v8::HandleScope handles(isolate_);
    if (environment_ != nullptr) {
      node::Stop(environment_, node::StopFlags::kDoNotTerminateIsolate);
      node::FreeEnvironment(environment_);
    }
    require_.Reset();
    internal_require_.Reset();
    before_stop_.Reset();
    mend_.Reset();
    if (!context_.IsEmpty()) context()->Exit();
    context_.Reset();
  }
  if (isolate_data_ != nullptr) node::FreeIsolateData(isolate_data_);
  if (entered_) isolate_->Exit();
  platform_->DisposeIsolate(isolate_);
  v8::V8::Dispose();
  v8::V8::DisposePlatform();
  node::TearDownOncePerProcess();
}

}  // namespace duet::js
