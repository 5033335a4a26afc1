// JavaScript as an engine of the host: Runtime (host/runtime.h) on top of Engine.
//
// A request's way through here: dispatch() calls the script function of that name with the
// exchange's number; the script (bootstrap.js) makes a Request, calls the handler and answers
// through ExchangeObject; leave() runs the continuations.
#pragma once

#include <v8-fast-api-calls.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/js/engine.h"
#include "bindings/js/exchange_object.h"
#include "bindings/js/interrupt.h"
#include "bindings/js/pump.h"
#include "bindings/js/route_keys.h"
#include "bindings/js/scope.h"
#include "bindings/js/script_call.h"
#include "bindings/js/tunnel_object.h"
#include "bindings/js/websocket_object.h"
#include "host/runtime.h"

namespace duet::js {

class JsRuntime final : public Runtime {
 public:
  JsRuntime() = default;
  ~JsRuntime() override;

  std::string_view name() const override { return "javascript"; }
  std::vector<std::pair<std::string, std::string>> versions() const override;
  Result<void> start(const RuntimeContext& context) override;
  void load(const HandlerSpec& spec, std::function<void(Result<LoadedHandler>)> done) override;
  void enter() noexcept override;
  void leave() noexcept override;
  void dispatch(std::uint32_t slot, Exchange& exchange) noexcept override;
  void interrupt() noexcept override { interrupter_->request(); }
  RuntimeUsage usage() const override;
  Result<void> inspect(const DebuggerOptions& options) override;
  void stop(Nanos deadline, std::function<void()> done) override;

  void on_body(Exchange& exchange) noexcept override;
  void on_writable(Exchange& exchange) noexcept override;
  void on_abort(Exchange& exchange, AbortReason reason) noexcept override;
  void on_end(Exchange& exchange) noexcept override;

 private:
  using Arguments = v8::FunctionCallbackInfo<v8::Value>;
  // Kinds of event(), as in frame.js.
  enum Event : int { kBody = 0, kWritable = 1, kAbort = 2, kEnd = 3 };

  struct Loading {
    HandlerSpec spec;
    std::function<void(Result<LoadedHandler>)> done;  // empty once it was called
  };

  Result<void> run_scripts();
  void event(Exchange& exchange, Event kind, std::string_view why) noexcept;
  void enter_script(ScriptCall call) noexcept;
  bool call_event(Exchange& exchange, Event kind, std::string_view why) noexcept;
  void finish_stop();
  const HandlerSpec* handler_of(measure::HandlerIndex index) const;  // null: of none
  // Told by the Interrupter, with no JavaScript on the stack.
  void code_stopped(const Interrupter::Stop& stop);

  // Functions of the scripts' `host` beside those of ExchangeObject.
  static JsRuntime* self(const Arguments& arguments) {
    return static_cast<JsRuntime*>(arguments.Data().As<v8::External>()->Value());
  }
  static void fail(const Arguments& arguments);
  static void log(const Arguments& arguments);
  static void loaded(const Arguments& arguments);
  static void load_failed(const Arguments& arguments);
  static void idle(const Arguments& arguments);
  static void on_listen(const Arguments& arguments);
  static void on_debugger(const Arguments& arguments);
  static void typescript(const Arguments& arguments);
  static void route_key(const Arguments& arguments);
  static void note_route(const Arguments& arguments);
  void note_route(double id, std::uint32_t key);
  static void note_route_fast(v8::Local<v8::Object> receiver, double id, std::uint32_t key,
                              v8::FastApiCallbackOptions& options);
  static void has_routes(const Arguments& arguments);

  RuntimeContext context_;
  std::unique_ptr<Engine> engine_;
  std::optional<Pump> pump_;
  std::optional<ExchangeObject> exchange_object_;
  std::optional<WebSocketObject> websocket_object_;
  std::optional<TunnelObject> tunnel_object_;
  std::optional<Interrupter> interrupter_;
  bool in_batch_ = false;  // between enter() and leave()
  v8::Global<v8::Function> dispatch_, event_, load_, inspect_, stop_;
  std::deque<Loading> handlers_;  // by slot
  RouteKeys routes_;
  std::function<void()> stopped_;
};

}  // namespace duet::js
