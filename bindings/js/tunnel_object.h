// Connections that Node-style applications upgrade by themselves: the functions of node_upgrade.js,
// and what happens on a connection told to it.
//
// JavaScript holds the number of a tunnel, never a pointer: of one that is over, functions do
// nothing and say so.
#pragma once

#include <v8.h>

#include <string_view>
#include <utility>

#include "bindings/js/engine.h"
#include "bindings/js/pump.h"
#include "bindings/js/script_call.h"
#include "host/exchange.h"
#include "host/tunnel.h"

namespace duet::js {

class TunnelObject final : TunnelListener {
 public:
  TunnelObject(Engine& engine, ExchangeTable& exchanges, Tunnels& tunnels, Pump& pump, Enter enter)
      : engine_(engine),
        exchanges_(exchanges),
        tunnels_(tunnels),
        pump_(pump),
        enter_(std::move(enter)) {}
  TunnelObject(const TunnelObject&) = delete;
  TunnelObject& operator=(const TunnelObject&) = delete;

  // Adds the functions to `host`. Needs an open HandleScope.
  void install(v8::Local<v8::Context> context, v8::Local<v8::Object> host);
  // The script's function that is told of events; reset() before the isolate goes.
  void set_event(v8::Local<v8::Function> function) { event_.Reset(engine_.isolate(), function); }
  void reset() { event_.Reset(); }

 private:
  using Arguments = v8::FunctionCallbackInfo<v8::Value>;
  // Kinds of event, as in node_upgrade.js.
  enum Event : int { kData = 0, kEnd = 1, kWritable = 2, kDrain = 3, kClose = 4 };

  static TunnelObject* self(const Arguments& arguments) {
    return static_cast<TunnelObject*>(arguments.Data().As<v8::External>()->Value());
  }
  Tunnel* find(const Arguments& arguments) {
    return tunnels_.find(static_cast<SessionId>(arguments[0].As<v8::Number>()->Value()));
  }

  static void open(const Arguments& arguments);
  static void head(const Arguments& arguments);
  static void write(const Arguments& arguments);
  static void end(const Arguments& arguments);
  static void destroy(const Arguments& arguments);
  static void read(const Arguments& arguments);

  void on_data(Tunnel& tunnel, std::string_view bytes) noexcept override;
  void on_peer_end(Tunnel& tunnel) noexcept override { tell(tunnel, kEnd); }
  void on_writable(Tunnel& tunnel) noexcept override { tell(tunnel, kWritable); }
  void on_drain(Tunnel& tunnel) noexcept override { tell(tunnel, kDrain); }
  void on_close(Tunnel& tunnel, int error) noexcept override;
  void tell(Tunnel& tunnel, Event kind);
  bool call(const Tunnel& tunnel, Event kind, v8::Local<v8::Value> value);

  Engine& engine_;
  ExchangeTable& exchanges_;
  Tunnels& tunnels_;
  Pump& pump_;
  Enter enter_;
  v8::Global<v8::Function> event_;
};

}  // namespace duet::js
