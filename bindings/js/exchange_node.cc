// What Node-style requests need of their exchange: the head in one call, as Node's parser gives it,
// addresses, interim answers, and the connection's end.
#include "bindings/js/convert.h"
#include "bindings/js/exchange_object.h"

namespace duet::js {

// nodeHead(id): [method, target, minor version, has a body, [name, value, ...] as sent, expects
// 100, asks for an upgrade and may have it]
void ExchangeObject::node_head(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  const Exchange* exchange = object->find(arguments);
  if (exchange == nullptr) return;
  v8::Isolate* isolate = object->isolate_;
  const http::RequestHead& head = exchange->head();
  constexpr std::size_t kUsual = 32;  // fields of a browser's request fit
  std::array<v8::Local<v8::Value>, 2 * kUsual> few;
  v8::LocalVector<v8::Value> many(isolate);
  const std::size_t count = head.field_count();
  if (count > kUsual) many.resize(2 * count);
  v8::Local<v8::Value>* fields = count > kUsual ? many.data() : few.data();
  for (std::size_t i = 0; i < count; ++i) {
    const http::Field field = head.field(i);
    fields[2 * i] = to_name(isolate, field.name);
    fields[2 * i + 1] = to_byte_string(isolate, field.value);
  }
  v8::Local<v8::Value> values[] = {
      head.method() == http::Method::kOther
          ? to_name(isolate, head.method_text())
          : object->methods_[static_cast<std::size_t>(head.method())].Get(isolate),
      to_byte_string(isolate, head.target()),
      v8::Integer::New(isolate, head.minor_version()),
      v8::Boolean::New(isolate, head.has_body()),
      v8::Array::New(isolate, fields, 2 * count),
      v8::Boolean::New(isolate, head.expects_continue()),
      v8::Boolean::New(isolate, exchange->can_upgrade() && !head.has_body()),
  };
  arguments.GetReturnValue().Set(v8::Array::New(isolate, values, std::size(values)));
}

// addresses(id): [remote address, remote port, local address, local port]; the addresses undefined
// when the socket is none of the network.
void ExchangeObject::addresses(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  Exchange* exchange = object->find(arguments);
  if (exchange == nullptr) return;
  v8::Isolate* isolate = object->isolate_;
  ExchangeTransport& transport = exchange->transport();
  v8::Local<v8::Value> values[4];
  const auto set = [&](int at, std::string_view address, std::uint16_t port) {
    const bool network = !address.starts_with("unix");
    const v8::Local<v8::Value> none = v8::Undefined(isolate);
    values[at] = network ? to_string(isolate, address).As<v8::Value>() : none;
    values[at + 1] = network ? v8::Integer::New(isolate, port).As<v8::Value>() : none;
  };
  set(0, transport.remote_address(), transport.remote_port());
  set(2, transport.local_address(), transport.local_port());
  arguments.GetReturnValue().Set(v8::Array::New(isolate, values, std::size(values)));
}

// interim(id, status, "Name: value\r\n...")
void ExchangeObject::interim(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  Exchange* exchange = object->find(arguments);
  if (exchange == nullptr) return;
  const ByteStringView fields(object->isolate_, arguments[2].As<v8::String>());
  exchange->send_interim(arguments[1].As<v8::Int32>()->Value(), fields.view());
}

// trailers(id): [name, value, ...] after the body; undefined when there are none.
void ExchangeObject::trailers(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  const Exchange* exchange = object->find(arguments);
  if (exchange == nullptr || exchange->trailers().empty()) return;
  v8::Isolate* isolate = object->isolate_;
  v8::LocalVector<v8::Value> flat(isolate);
  std::string_view text = exchange->trailers();
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    flat.push_back(to_byte_string(isolate, text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  arguments.GetReturnValue().Set(v8::Array::New(isolate, flat.data(), flat.size()));
}

// startRaw(id, status): true when write() and end() may now send the answer as it is.
void ExchangeObject::start_raw(const Arguments& arguments) {
  Exchange* exchange = self(arguments)->find(arguments);
  arguments.GetReturnValue().Set(exchange != nullptr &&
                                 exchange->start_raw(arguments[1].As<v8::Int32>()->Value()));
}

// closeAfter(id): the connection ends after this answer.
void ExchangeObject::close_after(const Arguments& arguments) {
  Exchange* exchange = self(arguments)->find(arguments);
  if (exchange != nullptr) exchange->close_after();
}

// cut(id, whether by a reset): the connection ends, whatever was answered.
void ExchangeObject::cut(const Arguments& arguments) {
  Exchange* exchange = self(arguments)->find(arguments);
  if (exchange == nullptr) return;
  if (arguments[1]->IsTrue()) {
    exchange->cut_by_reset();
  } else {
    exchange->cut();
  }
}

}  // namespace duet::js
