// The functions that JavaScript has on exchanges: reading the request, answering it.
//
// JavaScript holds the number of an exchange, never a pointer. Each function looks it up and
// answers `undefined`, false or GONE when the exchange is over; the scripts turn that into an
// error that says so.
#pragma once

#include <v8-fast-api-calls.h>
#include <v8.h>

#include <array>
#include <string>
#include <string_view>

#include "bindings/js/pump.h"
#include "host/exchange.h"
#include "host/http/message.h"

namespace duet::js {

// Why a request was aborted, for people; request.js knows the one of the deadline.
std::string_view why_aborted(AbortReason reason);

class ExchangeObject {
 public:
  ExchangeObject(v8::Isolate* isolate, ExchangeTable& exchanges, Pump& pump)
      : isolate_(isolate), exchanges_(exchanges), pump_(pump) {}
  ExchangeObject(const ExchangeObject&) = delete;
  ExchangeObject& operator=(const ExchangeObject&) = delete;

  // Adds the functions to `host`, the object that the scripts are given. Needs an open HandleScope.
  void install(v8::Local<v8::Context> context, v8::Local<v8::Object> host);

 private:
  using Arguments = v8::FunctionCallbackInfo<v8::Value>;
  static ExchangeObject* self(const Arguments& arguments) {
    return static_cast<ExchangeObject*>(arguments.Data().As<v8::External>()->Value());
  }
  Exchange* find(const Arguments& arguments) {
    return exchanges_.find(static_cast<ExchangeId>(arguments[0].As<v8::Number>()->Value()));
  }
  // Fills head_ from the status and the fields' text. False: an exception is pending. What changes
  // head_ counts up pump_.shared().head.
  bool set_head(const Arguments& arguments);

  // The request.
  static void text(const Arguments& arguments);
  static void header(const Arguments& arguments);
  static void headers(const Arguments& arguments);
  static void params(const Arguments& arguments);
  static void deadline(const Arguments& arguments);
  static void assignment(const Arguments& arguments);
  static void aborted(const Arguments& arguments);
  static void watch(const Arguments& arguments);
  // Its body.
  static void has_body(const Arguments& arguments);
  static void want_body(const Arguments& arguments);
  static void take_text(const Arguments& arguments);
  static void take_bytes(const Arguments& arguments);
  static void body_ended(const Arguments& arguments);
  static void body_too_long(const Arguments& arguments);
  static void discard_body(const Arguments& arguments);
  // The answer.
  static void respond(const Arguments& arguments);
  static void respond_alike(const Arguments& arguments);
  static bool respond_alike_fast(v8::Local<v8::Object> receiver, double id,
                                 const v8::FastOneByteString& text,
                                 v8::FastApiCallbackOptions& options);
  static void start(const Arguments& arguments);
  static void write(const Arguments& arguments);
  static void end(const Arguments& arguments);
  static void fulfilled(const Arguments& arguments);
  // Of Node-style requests: exchange_node.cc.
  static void node_head(const Arguments& arguments);
  static void addresses(const Arguments& arguments);
  static void interim(const Arguments& arguments);
  static void trailers(const Arguments& arguments);
  static void cut(const Arguments& arguments);
  static void start_raw(const Arguments& arguments);
  static void close_after(const Arguments& arguments);
  // Time.
  static void resume(const Arguments& arguments);
  static void pause(const Arguments& arguments);
  static void timer_base(const Arguments& arguments);

  v8::Isolate* isolate_;
  ExchangeTable& exchanges_;
  Pump& pump_;
  // The head of the last answer, with what it was made from: most answers of a handler have equal
  // ones, and comparing is cheaper than checking each field again.
  http::ResponseHead head_;
  std::string head_text_;
  std::array<v8::Eternal<v8::String>, 10> methods_;
};

}  // namespace duet::js
