// The functions that the scripts have on the host itself: failing, logging, loading.
#include <string>
#include <utility>

#include "bindings/js/convert.h"
#include "bindings/js/runtime.h"
#include "bindings/js/scripts.h"
#include "host/base/log.h"

namespace duet::js {
namespace {

std::string string_property(v8::Isolate* isolate, v8::Local<v8::Context> context,
                            v8::Local<v8::Value> value, const char* name) {
  v8::TryCatch caught(isolate);
  v8::Local<v8::Value> property;
  if (!value->IsObject() ||
      !value.As<v8::Object>()->Get(context, to_name(isolate, name)).ToLocal(&property) ||
      !property->IsString()) {
    return {};
  }
  return from_string(isolate, property.As<v8::String>());
}

Error described(v8::Isolate* isolate, v8::Local<v8::Value> thrown) {
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  Error error = error_from(isolate, context, thrown);
  error.hint = string_property(isolate, context, thrown, "hint");
  return error;
}

}  // namespace

const HandlerSpec* JsRuntime::handler_of(measure::HandlerIndex index) const {
  for (const Loading& loading : handlers_) {
    if (loading.spec.index == index) return &loading.spec;
  }
  return nullptr;
}

// fail(id, handler index or -1, error, how)
void JsRuntime::fail(const Arguments& arguments) {
  JsRuntime* runtime = self(arguments);
  v8::Isolate* isolate = arguments.GetIsolate();
  const auto id = static_cast<ExchangeId>(arguments[0].As<v8::Number>()->Value());
  Exchange* exchange = id != 0 ? runtime->context_.exchanges->find(id) : nullptr;
  if (isolate->IsExecutionTerminating()) return;
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  if (exchange == nullptr || exchange->aborted()) {
    // What a client that goes away leaves behind: request.signal's error, and a body without end.
    if (string_property(isolate, context, arguments[2], "name") == "AbortError" ||
        string_property(isolate, context, arguments[2], "code") == "ERR_BODY_CUT") {
      return;
    }
  }
  Error error = described(isolate, arguments[2]);
  const std::string how = arguments[3]->IsString()
                              ? from_string(isolate, arguments[3].As<v8::String>())
                              : std::string("request");
  const std::int32_t index = arguments[1].As<v8::Int32>()->Value();
  const HandlerSpec* handler = runtime->handler_of(static_cast<measure::HandlerIndex>(index));
  if (error.where.empty() && handler != nullptr) error.where = handler->source;
  if (how.starts_with("un")) error.message = how + ": " + error.message;
  if (exchange != nullptr && !exchange->complete()) {
    exchange->fail(error);
    return;
  }
  if (how == "last exit") return;  // user code ends because it was told to
  log::error(error.message, {{"handler", handler != nullptr ? std::string_view(handler->name) : ""},
                             {"language", "javascript"},
                             {"at", error.where},
                             {"in", how == "request" ? "a request that is over" : how},
                             {"hint", error.hint},
                             {"stack", error.detail}});
}

// log(level, text, handler name)
void JsRuntime::log(const Arguments& arguments) {
  v8::Isolate* isolate = arguments.GetIsolate();
  const auto level = static_cast<log::Level>(arguments[0].As<v8::Int32>()->Value());
  const std::string text = from_string(isolate, arguments[1].As<v8::String>());
  const std::string handler = from_string(isolate, arguments[2].As<v8::String>());
  // Further lines go where stacks go: a line of the log stays one line, and is none of the empty
  // ones that set a text apart on a terminal.
  std::string_view lines = text;
  if (const std::size_t begin = lines.find_first_not_of('\n'); begin != lines.npos) {
    lines.remove_prefix(begin);
  }
  const std::size_t newline = lines.find('\n');
  const std::string_view first = lines.substr(0, newline);
  if (newline == std::string::npos) {
    if (handler.empty()) {
      log::write(level, first);
    } else {
      log::write(level, first, {{"handler", handler}});
    }
  } else {
    log::write(level, first, {{"handler", handler}, {"stack", lines.substr(newline + 1)}});
  }
}

// loaded(slot, shape)
void JsRuntime::loaded(const Arguments& arguments) {
  JsRuntime* runtime = self(arguments);
  LoadedHandler handler;
  handler.slot = arguments[0].As<v8::Uint32>()->Value();
  handler.shape = from_string(arguments.GetIsolate(), arguments[1].As<v8::String>());
  // Applications of Node read bodies as streams, and have limits of their own.
  handler.takes_any_body = handler.takes_connect = handler.shape == "node";
  // The host may go on to load, or to stop: not from inside JavaScript.
  runtime->context_.loop->post([runtime, handler = std::move(handler)] {
    if (auto done = std::exchange(runtime->handlers_[handler.slot].done, nullptr)) done(handler);
  });
}

// loadFailed(slot, error)
void JsRuntime::load_failed(const Arguments& arguments) {
  JsRuntime* runtime = self(arguments);
  const std::uint32_t slot = arguments[0].As<v8::Uint32>()->Value();
  Error error = described(arguments.GetIsolate(), arguments[1]);
  if (error.where.empty()) error.where = runtime->handlers_[slot].spec.source;
  runtime->context_.loop->post([runtime, slot, error = std::move(error)] {
    if (auto done = std::exchange(runtime->handlers_[slot].done, nullptr)) done(error);
  });
}

// idle(): the last waitUntil promise has settled.
void JsRuntime::idle(const Arguments& arguments) {
  JsRuntime* runtime = self(arguments);
  if (runtime->stopped_) runtime->context_.loop->post([runtime] { runtime->finish_stop(); });
}

// onListen(): a server listens whose requests come from the host.
void JsRuntime::on_listen(const Arguments& arguments) {
  const auto& told = self(arguments)->context_.on_listen;
  if (told) told();
}

// onDebugger(): the inspector is about to listen.
void JsRuntime::on_debugger(const Arguments& arguments) { self(arguments)->context_.on_debugger(); }

// routeKey(text): the key of a route inside an application, for noteRoute().
void JsRuntime::route_key(const Arguments& arguments) {
  arguments.GetReturnValue().Set(self(arguments)->routes_.key(
      from_string(arguments.GetIsolate(), arguments[0].As<v8::String>())));
}

// noteRoute(id, key): the application answers the exchange by this route.
void JsRuntime::note_route(const Arguments& arguments) {
  self(arguments)->note_route(arguments[0].As<v8::Number>()->Value(),
                              arguments[1].As<v8::Uint32>()->Value());
}

void JsRuntime::note_route_fast(v8::Local<v8::Object> /*receiver*/, double id, std::uint32_t key,
                                v8::FastApiCallbackOptions& options) {
  static_cast<JsRuntime*>(options.data.As<v8::External>()->Value())->note_route(id, key);
}

void JsRuntime::note_route(double id, std::uint32_t key) {
  Exchange* exchange = context_.exchanges->find(static_cast<ExchangeId>(id));
  if (exchange != nullptr) routes_.note(*exchange, key);
}

// hasRoutes(handler index): requests that no route takes are counted as such from now on.
void JsRuntime::has_routes(const Arguments& arguments) {
  self(arguments)->routes_.count_unmatched(arguments[0].As<v8::Uint32>()->Value());
}

// typescript(exports, require, module): runs the embedded type stripper.
void JsRuntime::typescript(const Arguments& arguments) {
  v8::Isolate* isolate = arguments.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  v8::ScriptOrigin origin(to_string(isolate, "duet:amaro"));
  v8::ScriptCompiler::Source source(embedded_string(isolate, type_stripper()), origin);
  v8::Local<v8::String> parameters[] = {
      to_string(isolate, "exports"), to_string(isolate, "require"), to_string(isolate, "module")};
  v8::Local<v8::Value> values[] = {arguments[0], arguments[1], arguments[2]};
  v8::Local<v8::Function> function;
  v8::Local<v8::Value> ignored;
  if (!v8::ScriptCompiler::CompileFunction(context, &source, std::size(parameters), parameters)
           .ToLocal(&function) ||
      !function->Call(context, v8::Undefined(isolate), std::size(values), values)
           .ToLocal(&ignored)) {
    return;  // the exception stays pending, for the script that asked
  }
}

}  // namespace duet::js
