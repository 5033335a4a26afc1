#include "bindings/js/tunnel_object.h"

#include <cstring>
#include <utility>

#include "bindings/js/convert.h"

namespace duet::js {

void TunnelObject::install(v8::Local<v8::Context> context, v8::Local<v8::Object> host) {
  const NamedFunction functions[] = {
      {"tunnelOpen", open}, {"tunnelHead", head},       {"tunnelWrite", write},
      {"tunnelEnd", end},   {"tunnelDestroy", destroy}, {"tunnelRead", read},
  };
  set_functions(context, host, functions, this);
}

// tunnelOpen(exchange, slot) gives the tunnel's number, which is not read from yet; 0 when the
// connection cannot be had.
void TunnelObject::open(const Arguments& arguments) {
  TunnelObject* object = self(arguments);
  Exchange* exchange =
      object->exchanges_.find(static_cast<ExchangeId>(arguments[0].As<v8::Number>()->Value()));
  const SessionId id = exchange != nullptr ? object->tunnels_.open(*exchange, *object) : 0;
  if (Tunnel* tunnel = object->tunnels_.find(id)) {
    tunnel->engine_data = arguments[1].As<v8::Uint32>()->Value();
    tunnel->pause();
  }
  arguments.GetReturnValue().Set(static_cast<double>(id));
}

// tunnelHead(tunnel): an ArrayBuffer of the bytes that came with the request, taken; or undefined.
void TunnelObject::head(const Arguments& arguments) {
  TunnelObject* object = self(arguments);
  Tunnel* tunnel = object->find(arguments);
  const std::string bytes = tunnel != nullptr ? tunnel->take_head() : std::string();
  if (bytes.empty()) return;
  v8::Local<v8::ArrayBuffer> buffer = v8::ArrayBuffer::New(object->engine_.isolate(), bytes.size());
  std::memcpy(buffer->Data(), bytes.data(), bytes.size());
  arguments.GetReturnValue().Set(buffer);
}

// tunnelWrite(tunnel, string or bytes): 0 sent, 1 sent but wait, 2 gone.
void TunnelObject::write(const Arguments& arguments) {
  TunnelObject* object = self(arguments);
  Tunnel* tunnel = object->find(arguments);
  WriteResult result = WriteResult::kGone;
  if (tunnel != nullptr) {
    v8::Local<v8::Value> data = arguments[1];
    if (data->IsString()) {
      result = tunnel->write(Utf8View(object->engine_.isolate(), data.As<v8::String>()).view());
    } else {
      result = tunnel->write(BytesView(data).view());
    }
  }
  arguments.GetReturnValue().Set(static_cast<std::int32_t>(result));
}

// tunnelEnd(tunnel): whether something has yet to leave, which is told when it has.
void TunnelObject::end(const Arguments& arguments) {
  Tunnel* tunnel = self(arguments)->find(arguments);
  arguments.GetReturnValue().Set(tunnel != nullptr && tunnel->end());
}

// tunnelDestroy(tunnel, whether by a reset)
void TunnelObject::destroy(const Arguments& arguments) {
  Tunnel* tunnel = self(arguments)->find(arguments);
  if (tunnel == nullptr) return;
  if (arguments[1]->IsTrue()) {
    tunnel->reset();
  } else {
    tunnel->destroy();
  }
}

// tunnelRead(tunnel, whether): data is told from now on, or waits.
void TunnelObject::read(const Arguments& arguments) {
  Tunnel* tunnel = self(arguments)->find(arguments);
  if (tunnel == nullptr) return;
  if (arguments[1]->IsTrue()) {
    tunnel->resume();
  } else {
    tunnel->pause();
  }
}

// --- events ---

bool TunnelObject::call(const Tunnel& tunnel, Event kind, v8::Local<v8::Value> value) {
  v8::Isolate* isolate = engine_.isolate();
  pump_.begin(tunnel.handler());
  v8::Local<v8::Value> arguments[] = {
      v8::Integer::New(isolate, kind),
      v8::Integer::NewFromUnsigned(isolate, static_cast<std::uint32_t>(tunnel.engine_data)),
      value,
  };
  return !event_.Get(isolate)
              ->Call(engine_.context(), v8::Undefined(isolate), std::size(arguments), arguments)
              .IsEmpty();
}

void TunnelObject::tell(Tunnel& tunnel, Event kind) {
  enter_([&] { return call(tunnel, kind, v8::Undefined(engine_.isolate())); });
}

void TunnelObject::on_data(Tunnel& tunnel, std::string_view bytes) noexcept {
  enter_([&] {
    v8::Local<v8::ArrayBuffer> buffer = v8::ArrayBuffer::New(engine_.isolate(), bytes.size());
    if (!bytes.empty()) std::memcpy(buffer->Data(), bytes.data(), bytes.size());
    return call(tunnel, kData, buffer);
  });
}

void TunnelObject::on_close(Tunnel& tunnel, int error) noexcept {
  enter_([&] { return call(tunnel, kClose, v8::Integer::New(engine_.isolate(), error)); });
}

}  // namespace duet::js
