#include "bindings/js/runtime.h"

#include <dlfcn.h>
#include <node_version.h>

#include "bindings/js/convert.h"
#include "bindings/js/scripts.h"
#include "boundary/number.h"
#include "host/base/check.h"
#include "host/base/log.h"

namespace duet::js {

std::vector<std::pair<std::string, std::string>> JsRuntime::versions() const {
  std::vector<std::pair<std::string, std::string>> versions{{"V8", v8::V8::GetVersion()},
                                                            {"Node", &NODE_VERSION[1]}};
  using OpenSslVersion = const char* (*)(int);
  if (auto* openssl = reinterpret_cast<OpenSslVersion>(dlsym(RTLD_DEFAULT, "OpenSSL_version"))) {
    versions.emplace_back("OpenSSL", openssl(0));
  }
  return versions;
}

Result<void> JsRuntime::start(const RuntimeContext& context) {
  context_ = context;
  routes_.set_numbers(context.inner_route);
  EngineOptions options;
  options.loop = context.loop->uv();
  options.executable = context.executable;
  options.arguments = context.arguments;
  Result<std::unique_ptr<Engine>> engine = Engine::create(options);
  if (!engine.ok()) return std::move(engine).error();
  engine_ = std::move(engine).value();
  pump_.emplace(*context.ledger, *context.exchanges, context.loop->uv());
  exchange_object_.emplace(engine_->isolate(), *context.exchanges, *pump_);
  websocket_object_.emplace(*engine_, *context.exchanges, *context.websockets, *pump_,
                            [this](ScriptCall call) { enter_script(call); });
  tunnel_object_.emplace(*engine_, *context.exchanges, *context.tunnels, *pump_,
                         [this](ScriptCall call) { enter_script(call); });
  Result<void> ran = run_scripts();
  if (!ran.ok()) return ran;
  pump_->attach(engine_->isolate());
  interrupter_.emplace(*engine_, *context.loop, *context.ledger, *pump_,
                       [this](const Interrupter::Stop& stop) { code_stopped(stop); });
  return {};
}

Result<void> JsRuntime::run_scripts() {
  Scope scope(*engine_);
  v8::Isolate* isolate = scope.isolate();
  v8::Local<v8::Context> context = engine_->context();

  v8::Local<v8::Object> host = v8::Object::New(isolate);
  exchange_object_->install(context, host);
  websocket_object_->install(context, host);
  tunnel_object_->install(context, host);
  static const v8::CFunction kNoteRoute = v8::CFunction::Make(note_route_fast);
  const NamedFunction functions[] = {
      {"fail", fail},
      {"log", log},
      {"loaded", loaded},
      {"loadFailed", load_failed},
      {"idle", idle},
      {"onListen", on_listen},
      {"onDebugger", on_debugger},
      {"typescript", typescript},
      {"routeKey", route_key},
      {"noteRoute", note_route, &kNoteRoute},
      {"hasRoutes", has_routes},
  };
  set_functions(context, host, functions, this);
  // The slot of the async context, as built-ins that V8 can inline; Node uses the same two.
  v8::Local<v8::Object> extras = context->GetExtrasBindingObject();
  const std::pair<const char*, const char*> slot[] = {
      {"getFrame", "getContinuationPreservedEmbedderData"},
      {"setFrame", "setContinuationPreservedEmbedderData"}};
  for (const auto& [name, builtin] : slot) {
    v8::Local<v8::Value> function;
    if (!extras->Get(context, to_name(isolate, builtin)).ToLocal(&function) ||
        !function->IsFunction()) {
      return Error{"this V8 has no " + std::string(builtin), "", "use Node 24", ""};
    }
    host->Set(context, to_name(isolate, name), function).Check();
  }

  host->Set(context, to_name(isolate, "internal"), engine_->internal_require()).Check();
  host->Set(context, to_name(isolate, "listenHost"), to_string(isolate, context_.listen_host))
      .Check();
  host->Set(context, to_name(isolate, "listenPort"),
            v8::Integer::New(isolate, context_.listen_port))
      .Check();

  v8::Local<v8::Object> use = v8::Object::New(isolate);
  v8::Local<v8::Object> last;
  for (const Script& script : scripts()) {
    Result<v8::Local<v8::Object>> exports =
        engine_->run_script("duet:" + std::string(script.name), script.source, use, host);
    if (!exports.ok()) return std::move(exports).error();
    last = exports.value();
    use->Set(context, to_name(isolate, script.name), last).Check();
  }
  const auto exported = [&](const char* name) {
    return last->Get(context, to_name(isolate, name)).ToLocalChecked().As<v8::Function>();
  };
  const std::pair<const char*, v8::Global<v8::Function>*> entries[] = {{"dispatch", &dispatch_},
                                                                       {"event", &event_},
                                                                       {"load", &load_},
                                                                       {"inspect", &inspect_},
                                                                       {"stop", &stop_}};
  for (const auto& [name, function] : entries) {
    function->Reset(isolate, exported(name));
  }
  websocket_object_->set_event(exported("socketEvent"));
  tunnel_object_->set_event(exported("tunnelEvent"));
  engine_->set_stop_hooks(exported("beforeStop"), exported("mend"));
  return {};
}

void JsRuntime::load(const HandlerSpec& spec, std::function<void(Result<LoadedHandler>)> done) {
  const std::size_t slot = handlers_.size();
  handlers_.push_back({spec, std::move(done)});
  Scope scope(*engine_);
  v8::Isolate* isolate = scope.isolate();
  v8::LocalVector<v8::Value> env(isolate);
  for (const auto& [key, value] : spec.env) {
    env.push_back(to_string(isolate, key));
    env.push_back(to_string(isolate, value));
  }
  v8::Local<v8::Value> arguments[] = {
      v8::Integer::NewFromUnsigned(isolate, static_cast<std::uint32_t>(slot)),
      to_string(isolate, spec.name),
      v8::Integer::NewFromUnsigned(isolate, spec.index),
      to_string(isolate, spec.source),
      v8::Array::New(isolate, env.data(), env.size()),
      to_string(isolate, spec.root_path),
  };
  pump_->begin(spec.index);
  if (load_.Get(isolate)
          ->Call(engine_->context(), v8::Undefined(isolate), std::size(arguments), arguments)
          .IsEmpty()) {
    auto failed = std::exchange(handlers_[slot].done, nullptr);
    failed(error_from(isolate, engine_->context(), scope.caught().Exception()));
  }
  // The slice goes on while the module's top level runs, in microtasks, as the Scope closes.
}

void JsRuntime::enter() noexcept {
  DUET_CHECK(!in_batch_);
  in_batch_ = true;
}

void JsRuntime::leave() noexcept {
  in_batch_ = false;
  const Microtasks& microtasks = engine_->microtasks();
  if (!microtasks.known() || microtasks.pending()) {
    {
      Scope scope(*engine_);
    }
    pump_->pause();
    if (interrupter_->stopped()) [[unlikely]]
      interrupter_->recover();
  } else {
    engine_->isolate()->ClearKeptObjects();  // of WeakRefs: as after every turn of a loop
  }
}

void JsRuntime::dispatch(std::uint32_t slot, Exchange& exchange) noexcept {
  v8::Isolate* isolate = engine_->isolate();
  LightScope scope(*engine_);
  pump_->begin(exchange);
  exchange.set_inner_route(routes_.unmatched(exchange.timeline().handler()));
  // Not as arguments: a number that is no small integer would be an object.
  pump_->shared().slot = static_cast<std::int32_t>(slot);
  pump_->shared().id = static_cast<double>(exchange.id());
  const bool empty = dispatch_.Get(isolate)
                         ->Call(engine_->context(), v8::Undefined(isolate), 0, nullptr)
                         .IsEmpty();
  pump_->pause();
  if (empty) [[unlikely]]
    interrupter_->recover();
}

void JsRuntime::event(Exchange& exchange, Event kind, std::string_view why) noexcept {
  if (exchange.engine_data == 0) return;
  enter_script([&] { return call_event(exchange, kind, why); });
}

void JsRuntime::enter_script(ScriptCall call) noexcept {
  const bool within = in_batch_;
  if (!within) enter();
  {
    LightScope scope(*engine_);
    if (!call()) interrupter_->recover();
  }
  // Continuations run before the pause: they belong to the same request.
  if (!within) leave();
  pump_->pause();
}

bool JsRuntime::call_event(Exchange& exchange, Event kind, std::string_view why) noexcept {
  v8::Isolate* isolate = engine_->isolate();
  pump_->begin(exchange);
  v8::Local<v8::Value> arguments[] = {
      v8::Integer::New(isolate, kind),
      v8::Integer::NewFromUnsigned(isolate, static_cast<std::uint32_t>(exchange.engine_data)),
      why.empty() ? v8::Undefined(isolate).As<v8::Value>() : to_name(isolate, why),
  };
  return !event_.Get(isolate)
              ->Call(engine_->context(), v8::Undefined(isolate), std::size(arguments), arguments)
              .IsEmpty();
}

void JsRuntime::on_body(Exchange& exchange) noexcept { event(exchange, kBody, {}); }
void JsRuntime::on_writable(Exchange& exchange) noexcept { event(exchange, kWritable, {}); }
void JsRuntime::on_abort(Exchange& exchange, AbortReason reason) noexcept {
  event(exchange, kAbort, why_aborted(reason));
}
void JsRuntime::on_end(Exchange& exchange) noexcept { event(exchange, kEnd, {}); }

void JsRuntime::code_stopped(const Interrupter::Stop& stop) {
  Exchange* exchange = stop.id != 0 ? context_.exchanges->find(stop.id) : nullptr;
  Error error = stop.place;
  const bool full = stop.reason == Interrupter::Reason::kHeapFull;
  error.message =
      full ? "the JavaScript heap is full: what ran was stopped" : "a handler was interrupted";
  if (full) {
    error.hint =
        "hold less in memory, or raise the limit: "
        "NODE_OPTIONS=--max-old-space-size=<megabytes>";
  }
  if (full && exchange != nullptr && !exchange->complete()) {
    exchange->fail(error);
  } else {  // its deadline has passed, and the host answers 504 by itself
    const HandlerSpec* handler = handler_of(stop.handler);
    log::error(error.message, {{"handler", handler != nullptr ? handler->name : ""},
                               {"language", "javascript"},
                               {"at", error.where},
                               {"hint", error.hint},
                               {"stack", error.detail}});
  }
  if (stop.lost) {
    context_.on_degraded(Error{"a handler was stopped while continuations of others waited", "",
                               "restart the host", ""});
  }
  // What waited behind the stopped code.
  if (!in_batch_) Scope drain(*engine_);
}

RuntimeUsage JsRuntime::usage() const {
  RuntimeUsage usage;
  v8::HeapStatistics heap;
  engine_->isolate()->GetHeapStatistics(&heap);
  usage.heap_used = static_cast<std::int64_t>(heap.used_heap_size() + heap.external_memory());
  usage.heap_total = static_cast<std::int64_t>(heap.total_heap_size());
  usage.heap_limit = static_cast<std::int64_t>(heap.heap_size_limit());
  usage.gc_count = pump_->gc_count();
  usage.gc_time = pump_->gc_time();
  return usage;
}

Result<void> JsRuntime::inspect(const DebuggerOptions& options) {
  Scope scope(*engine_);
  v8::Isolate* isolate = scope.isolate();
  v8::Local<v8::Value> arguments[] = {to_string(isolate, options.host),
                                      v8::Integer::New(isolate, options.port),
                                      v8::Boolean::New(isolate, options.wait)};
  v8::Local<v8::Value> open;
  if (!inspect_.Get(isolate)
           ->Call(engine_->context(), v8::Undefined(isolate), std::size(arguments), arguments)
           .ToLocal(&open)) {
    return error_from(isolate, engine_->context(), scope.caught().Exception());
  }
  if (open->IsTrue()) return {};
  return Error{
      "the inspector cannot listen on " + options.host + ":" + std::to_string(options.port), "",
      "is the port in use? --inspect=0 takes any free one", ""};
}

void JsRuntime::stop(Nanos deadline, std::function<void()> done) {
  if (stop_.IsEmpty()) return done();  // it never started
  stopped_ = std::move(done);
  std::optional<int> promises;
  {
    Scope scope(*engine_);
    v8::Local<v8::Value> count;
    if (stop_.Get(scope.isolate())
            ->Call(engine_->context(), v8::Undefined(scope.isolate()), 0, nullptr)
            .ToLocal(&count) &&
        count->IsNumber()) {
      promises = static_cast<int>(count.As<v8::Number>()->Value());
    }
  }
  if (!promises) return finish_stop();
  if (*promises > 0) {
    log::info("waiting for waitUntil work", {{"promises", std::to_string(*promises)}});
  }
  context_.loop->after(deadline - now(), [this, promises = *promises] {
    if (!stopped_) return;
    if (promises > 0) {
      log::warn("waitUntil work was cut off by the end of the grace period");
    } else {
      log::warn(
          "what listeners of SIGTERM or SIGINT began was cut off by the end of the grace period",
          {{"hint", "process.exit() says that they are done"}});
    }
    finish_stop();
  });
}

void JsRuntime::finish_stop() {
  auto done = std::exchange(stopped_, nullptr);
  if (!done) return;
  {
    v8::HandleScope handles(engine_->isolate());
    // The exit code is the host's; what listeners throw is logged by the guard.
    (void)node::EmitProcessBeforeExit(engine_->environment());
    (void)node::EmitProcessExit(engine_->environment());
  }
  pump_->pause();
  done();
}

JsRuntime::~JsRuntime() {
  if (engine_ == nullptr) return;
  interrupter_.reset();
  if (websocket_object_.has_value()) websocket_object_->reset();
  if (tunnel_object_.has_value()) tunnel_object_->reset();
  if (pump_.has_value()) pump_->detach(engine_->isolate());
  for (v8::Global<v8::Function>* function : {&dispatch_, &event_, &load_, &inspect_, &stop_}) {
    function->Reset();
  }
}

}  // namespace duet::js

extern "C" __attribute__((visibility("default"))) duet::Runtime* duet_create_runtime(
    std::uint64_t boundary) {
  return boundary == duet::kRuntimeBoundary ? new duet::js::JsRuntime : nullptr;
}
