// Values between C++ and V8: strings, bytes, errors.
//
// Nothing here keeps a handle or throws a C++ exception. "Needs a HandleScope" holds for all.
#pragma once

#include <v8.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "host/base/result.h"

namespace duet::js {

// UTF-8 to a string; malformed sequences become U+FFFD. ASCII, the usual case, is not decoded.
v8::Local<v8::String> to_string(v8::Isolate* isolate, std::string_view utf8);

// Bytes to the string with the same code units: what the Fetch standard calls a ByteString.
v8::Local<v8::String> to_byte_string(v8::Isolate* isolate, std::string_view bytes);

// As to_string, for the few strings that come again and again (names of fields): V8 compares
// internalised strings by address, so that `name === "host"` and map look-ups cost nothing.
v8::Local<v8::String> to_name(v8::Isolate* isolate, std::string_view ascii);

// A string as UTF-8. Lone surrogates become U+FFFD.
std::string from_string(v8::Isolate* isolate, v8::Local<v8::String> string);
// String(value); empty when that throws.
std::string from_value(v8::Isolate* isolate, v8::Local<v8::Context> context,
                       v8::Local<v8::Value> value);

// Whether no byte has its high bit set: Latin-1 bytes that are also UTF-8.
bool is_ascii(const unsigned char* bytes, std::size_t length);

// Latin-1, one byte a unit, as UTF-8: the bytes themselves where they are ASCII, else in `copy`.
std::string_view latin1_as_utf8(const unsigned char* units, std::size_t length, std::string& copy);

// The bytes of a string in UTF-8, without copying where V8 has them as ASCII: a view that is valid
// until the object goes away or JavaScript runs again. Holding one forbids V8 to collect, so keep
// it only around calls that do not enter V8.
class Utf8View {
 public:
  Utf8View(v8::Isolate* isolate, v8::Local<v8::String> string);
  Utf8View(const Utf8View&) = delete;
  Utf8View& operator=(const Utf8View&) = delete;
  std::string_view view() const { return view_; }

 private:
  v8::String::ValueView value_;
  std::string copy_;
  std::string_view view_;
};

// The code units of a string that holds Latin-1 only, one byte each; as Utf8View otherwise.
class ByteStringView {
 public:
  ByteStringView(v8::Isolate* isolate, v8::Local<v8::String> string);
  ByteStringView(const ByteStringView&) = delete;
  ByteStringView& operator=(const ByteStringView&) = delete;
  std::string_view view() const { return view_; }

 private:
  v8::String::ValueView value_;
  std::string copy_;
  std::string_view view_;
};

// The bytes of an ArrayBuffer, a SharedArrayBuffer or a view of one. Valid until the object goes
// away or JavaScript runs again.
class BytesView {
 public:
  explicit BytesView(v8::Local<v8::Value> value);
  BytesView(const BytesView&) = delete;
  BytesView& operator=(const BytesView&) = delete;
  bool valid() const { return valid_; }  // false: the value is none of these
  std::string_view view() const { return view_; }

 private:
  std::uint8_t tiny_[64];  // V8 keeps views up to this size on its own heap
  std::string_view view_;
  bool valid_ = false;
};

// A Uint8Array that takes the bytes over: large ones are not copied.
v8::Local<v8::Uint8Array> to_bytes(v8::Isolate* isolate, std::string&& bytes);

// Makes functions members of `object`. `self`: what they find as their data, an External; it
// outlives them.
struct NamedFunction {
  const char* name;
  v8::FunctionCallback callback;
  // The same for optimised code, which calls it without leaving JavaScript's state: it may neither
  // make handles nor throw nor run JavaScript (v8-fast-api-calls.h). Of static storage; null: none.
  const v8::CFunction* fast = nullptr;
};
void set_functions(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                   std::span<const NamedFunction> functions, void* self);

// What a thrown value says: message, the first place in it that is a file, and the stack.
Error error_from(v8::Isolate* isolate, v8::Local<v8::Context> context, v8::Local<v8::Value> thrown);

}  // namespace duet::js
