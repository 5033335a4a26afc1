// WebSockets for JavaScript: the functions of websocket.js, and what happens on a socket told to
// it.
//
// JavaScript holds the number of a session, never a pointer: of one that is over, functions do
// nothing and say so.
#pragma once

#include <v8.h>

#include <string_view>
#include <utility>

#include "bindings/js/engine.h"
#include "bindings/js/pump.h"
#include "bindings/js/script_call.h"
#include "host/exchange.h"
#include "host/websocket_session.h"

namespace duet::js {

class WebSocketObject final : WebSocketListener {
 public:
  WebSocketObject(Engine& engine, ExchangeTable& exchanges, WebSockets& sockets, Pump& pump,
                  Enter enter)
      : engine_(engine),
        exchanges_(exchanges),
        sockets_(sockets),
        pump_(pump),
        enter_(std::move(enter)) {}
  WebSocketObject(const WebSocketObject&) = delete;
  WebSocketObject& operator=(const WebSocketObject&) = delete;

  // Adds the functions to `host`. Needs an open HandleScope.
  void install(v8::Local<v8::Context> context, v8::Local<v8::Object> host);
  // The script's function that is told of events; reset() before the isolate goes.
  void set_event(v8::Local<v8::Function> function) { event_.Reset(engine_.isolate(), function); }
  void reset() { event_.Reset(); }

 private:
  using Arguments = v8::FunctionCallbackInfo<v8::Value>;
  // Kinds of event, as in websocket.js.
  enum Event : int { kMessage = 0, kWritable = 1, kClose = 2 };

  static WebSocketObject* self(const Arguments& arguments) {
    return static_cast<WebSocketObject*>(arguments.Data().As<v8::External>()->Value());
  }
  WebSocketSession* find(const Arguments& arguments) {
    return sockets_.find(static_cast<SessionId>(arguments[0].As<v8::Number>()->Value()));
  }

  static void accept(const Arguments& arguments);
  static void send(const Arguments& arguments);
  static void close(const Arguments& arguments);
  static void terminate(const Arguments& arguments);
  static void pause(const Arguments& arguments);
  static void buffered(const Arguments& arguments);

  void on_message(WebSocketSession& socket, bool text, std::string_view payload) noexcept override;
  void on_writable(WebSocketSession& socket) noexcept override;
  void on_close(WebSocketSession& socket, std::uint16_t code, std::string_view reason,
                bool clean) noexcept override;
  bool tell(WebSocketSession& socket, Event kind, v8::Local<v8::Value> first,
            v8::Local<v8::Value> second, bool clean);

  Engine& engine_;
  ExchangeTable& exchanges_;
  WebSockets& sockets_;
  Pump& pump_;
  Enter enter_;
  v8::Global<v8::Function> event_;
};

}  // namespace duet::js
