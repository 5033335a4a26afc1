#include "bindings/js/websocket_object.h"

#include <cstring>
#include <string>
#include <utility>

#include "bindings/js/convert.h"
#include "host/base/check.h"

namespace duet::js {

void WebSocketObject::install(v8::Local<v8::Context> context, v8::Local<v8::Object> host) {
  const NamedFunction functions[] = {
      {"socketAccept", accept},       {"socketSend", send},   {"socketClose", close},
      {"socketTerminate", terminate}, {"socketPause", pause}, {"socketBuffered", buffered},
  };
  set_functions(context, host, functions, this);
}

// socketAccept(exchange, slot, protocol, "name\nvalue\n...") gives the session's number, 0 when the
// handshake was refused, nothing when the request is over; throws for the handler's mistakes. The
// socket starts paused: its listeners are not there yet.
void WebSocketObject::accept(const Arguments& arguments) {
  WebSocketObject* object = self(arguments);
  v8::Isolate* isolate = object->engine_.isolate();
  Exchange* exchange =
      object->exchanges_.find(static_cast<ExchangeId>(arguments[0].As<v8::Number>()->Value()));
  if (exchange == nullptr) return;
  const std::string protocol = from_string(isolate, arguments[2].As<v8::String>());
  std::string fields, wrong;
  {
    const ByteStringView view(isolate, arguments[3].As<v8::String>());
    std::string_view text = view.view();
    while (!text.empty() && wrong.empty()) {
      const std::size_t name_end = text.find('\n');
      const std::size_t value_end = text.find('\n', name_end + 1);
      DUET_CHECK(value_end != std::string_view::npos);
      const std::string_view name = text.substr(0, name_end);
      const std::string_view value = text.substr(name_end + 1, value_end - name_end - 1);
      if (const char* why = http::check_field(name, value)) {
        wrong.append("header ").append(name).append(": ").append(why);
      }
      fields.append(name).append(": ").append(value).append("\r\n");
      text.remove_prefix(value_end + 1);
    }
  }
  if (wrong.empty()) {
    const auto accepted = object->sockets_.accept(*exchange, *object, {protocol, fields});
    if (accepted) {
      if (WebSocketSession* socket = object->sockets_.find(*accepted)) {
        socket->engine_data = arguments[1].As<v8::Uint32>()->Value();
        socket->pause();
      }
      arguments.GetReturnValue().Set(static_cast<double>(*accepted));
      return;
    }
    wrong = accepted.error().to_string();
  }
  isolate->ThrowException(v8::Exception::TypeError(to_string(isolate, wrong)));
}

// socketSend(session, data): 0 sent, 1 sent but wait, 2 gone; nothing when it is no data.
void WebSocketObject::send(const Arguments& arguments) {
  WebSocketObject* object = self(arguments);
  WebSocketSession* socket = object->find(arguments);
  WriteResult result = WriteResult::kGone;
  v8::Local<v8::Value> data = arguments[1];
  if (data->IsString()) {
    const Utf8View text(object->engine_.isolate(), data.As<v8::String>());
    if (socket != nullptr) result = socket->send(true, text.view());
  } else {
    const BytesView bytes(data);
    if (!bytes.valid()) return;
    if (socket != nullptr) result = socket->send(false, bytes.view());
  }
  arguments.GetReturnValue().Set(static_cast<std::int32_t>(result));
}

// socketClose(session, code, reason): false when the code or the reason may not be sent.
void WebSocketObject::close(const Arguments& arguments) {
  WebSocketObject* object = self(arguments);
  const auto code = static_cast<std::uint16_t>(arguments[1].As<v8::Uint32>()->Value());
  const std::string reason = from_string(object->engine_.isolate(), arguments[2].As<v8::String>());
  const bool right = (code == 0 || websocket::may_be_sent(code)) &&
                     reason.size() <= websocket::kMaxControlPayload - 2;
  WebSocketSession* socket = object->find(arguments);
  if (right && socket != nullptr) socket->close(code, reason);
  arguments.GetReturnValue().Set(right);
}

void WebSocketObject::terminate(const Arguments& arguments) {
  if (WebSocketSession* socket = self(arguments)->find(arguments)) socket->terminate();
}

void WebSocketObject::pause(const Arguments& arguments) {
  WebSocketSession* socket = self(arguments)->find(arguments);
  if (socket == nullptr) return;
  if (arguments[1]->IsTrue()) {
    socket->pause();
  } else {
    socket->resume();
  }
}

void WebSocketObject::buffered(const Arguments& arguments) {
  const WebSocketSession* socket = self(arguments)->find(arguments);
  arguments.GetReturnValue().Set(socket != nullptr ? static_cast<double>(socket->buffered()) : 0.0);
}

// --- events ---

bool WebSocketObject::tell(WebSocketSession& socket, Event kind, v8::Local<v8::Value> first,
                           v8::Local<v8::Value> second, bool clean) {
  v8::Isolate* isolate = engine_.isolate();
  pump_.begin(socket.handler());
  v8::Local<v8::Value> arguments[] = {
      v8::Integer::New(isolate, kind),
      v8::Integer::NewFromUnsigned(isolate, static_cast<std::uint32_t>(socket.engine_data)),
      first,
      second,
      v8::Boolean::New(isolate, clean),
  };
  return !event_.Get(isolate)
              ->Call(engine_.context(), v8::Undefined(isolate), std::size(arguments), arguments)
              .IsEmpty();
}

void WebSocketObject::on_message(WebSocketSession& socket, bool text,
                                 std::string_view payload) noexcept {
  enter_([&] {
    v8::Isolate* isolate = engine_.isolate();
    v8::Local<v8::Value> data;
    if (text) {
      data = to_string(isolate, payload);
    } else {
      v8::Local<v8::ArrayBuffer> buffer = v8::ArrayBuffer::New(isolate, payload.size());
      if (!payload.empty()) std::memcpy(buffer->Data(), payload.data(), payload.size());
      data = buffer;
    }
    return tell(socket, kMessage, data, v8::Undefined(isolate), true);
  });
}

void WebSocketObject::on_writable(WebSocketSession& socket) noexcept {
  enter_([&] {
    v8::Local<v8::Value> nothing = v8::Undefined(engine_.isolate());
    return tell(socket, kWritable, nothing, nothing, true);
  });
}

void WebSocketObject::on_close(WebSocketSession& socket, std::uint16_t code,
                               std::string_view reason, bool clean) noexcept {
  enter_([&] {
    v8::Isolate* isolate = engine_.isolate();
    return tell(socket, kClose, v8::Integer::NewFromUnsigned(isolate, code),
                to_string(isolate, reason), clean);
  });
}

}  // namespace duet::js
