#include "bindings/js/convert.h"

#include <cstring>
#include <memory>
#include <utility>

namespace duet::js {
namespace {

// Above it a body's memory goes to V8 as it is; below, a copy is cheaper than its bookkeeping.
constexpr std::size_t kAdoptFrom = 4096;

// V8 refuses strings above its limit (about 512 MiB): callers give up bytes, not the process.
v8::Local<v8::String> or_empty(v8::Isolate* isolate, v8::MaybeLocal<v8::String> string) {
  v8::Local<v8::String> result;
  return string.ToLocal(&result) ? result : v8::String::Empty(isolate);
}

const std::uint8_t* octets(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_internal(std::string_view place) {
  return place.starts_with("node:") || place.starts_with("duet:") || place.starts_with("<") ||
         place.empty() || place == "native" || place.starts_with("wasm:");
}

// "file:///a%20b.mjs?duet=2:3:4" → "/a b.mjs:3:4": what a person (and an editor) can open.
std::string readable_place(std::string_view place) {
  constexpr std::string_view kScheme = "file://";
  if (!place.starts_with(kScheme)) return std::string(place);
  place.remove_prefix(kScheme.size());
  std::string path;
  for (std::size_t i = 0; i < place.size(); ++i) {
    if (place[i] == '%' && i + 2 < place.size() && hex_digit(place[i + 1]) >= 0 &&
        hex_digit(place[i + 2]) >= 0) {
      path += static_cast<char>(hex_digit(place[i + 1]) * 16 + hex_digit(place[i + 2]));
      i += 2;
    } else if (place.substr(i).starts_with("?duet=")) {
      i += 5;
      while (i + 1 < place.size() && place[i + 1] != ':' && place[i + 1] != ')') ++i;
    } else {
      path += place[i];
    }
  }
  return path;
}

// The place of one line of a stack: "    at f (file:///x.mjs:1:2)" or "    at async node:y:3:4".
std::string_view place_in(std::string_view line) {
  const std::size_t at = line.find("at ");
  if (at == std::string_view::npos || line.find_first_not_of(' ') != at) return {};
  if (line.ends_with(')')) {
    const std::size_t open = line.rfind('(');
    if (open == std::string_view::npos) return {};
    return line.substr(open + 1, line.size() - open - 2);
  }
  line.remove_prefix(at + 3);
  if (line.starts_with("async ")) line.remove_prefix(6);
  return line;
}

// A stack without our own scripts and with paths instead of URLs; `first` becomes the first place
// outside Node and outside us. How Node came to call what is told says nothing about it: the inner
// frames of Node at the end are left out.
std::string readable_stack(std::string_view stack, std::string& first) {
  std::string result;
  std::size_t kept = 0;
  while (!stack.empty()) {
    const std::size_t newline = stack.find('\n');
    const std::string_view line = stack.substr(0, newline);
    stack.remove_prefix(newline == std::string_view::npos ? stack.size() : newline + 1);
    const std::string_view place = place_in(line);
    if (place.starts_with("duet:")) continue;
    if (!result.empty()) result += '\n';
    if (place.empty()) {
      result += line;
      kept = result.size();
      continue;
    }
    const std::string readable = readable_place(place);
    if (first.empty() && !is_internal(place)) first = readable;
    result.append(line, 0, static_cast<std::size_t>(place.data() - line.data()));
    result += readable;
    if (line.ends_with(')')) result += ')';
    if (!place.starts_with("node:internal/")) kept = result.size();
  }
  result.resize(kept);
  return result;
}

// `cause` may lead back to the error itself.
constexpr int kMostCauses = 6;
// An AggregateError may hold thousands.
constexpr std::uint32_t kMostErrors = 8;

// Longer lines are a bundler's, and nobody finds a place in them by looking.
constexpr int kShownLine = 200;

// The line of the source and below it a mark, as Node and Python show what they cannot parse.
std::string marked_line(v8::Isolate* isolate, v8::Local<v8::Context> context,
                        v8::Local<v8::Message> message) {
  v8::Local<v8::String> line;
  const int start = message->GetStartColumn(context).FromMaybe(-1);
  const int end = message->GetEndColumn(context).FromMaybe(start);
  if (start < 0 || !message->GetSourceLine(context).ToLocal(&line)) return {};
  if (line->Length() > kShownLine || start > line->Length()) return {};
  std::string text = from_string(isolate, line) + '\n';
  for (int i = 0; i < start; ++i) {
    std::uint16_t unit;
    line->WriteV2(isolate, i, 1, &unit);
    text += unit == '\t' ? '\t' : ' ';
  }
  text.append(static_cast<std::size_t>(std::max(1, std::min(end, line->Length()) - start)), '^');
  return text + '\n';
}

// What led to an error: its `cause`, and the `errors` of an AggregateError, each with its stack and
// in turn with what led to it. fetch(), for one, says why it failed in its cause only.
class Causes {
 public:
  Causes(v8::Isolate* isolate, v8::Local<v8::Context> context, std::string& text)
      : isolate_(isolate), context_(context), text_(text) {}

  void append_of(v8::Local<v8::Object> error, int depth = 0) {
    if (depth == kMostCauses) return;
    v8::Local<v8::Value> value = get(error, "cause");
    if (!value.IsEmpty() && !value->IsNullOrUndefined()) append("caused by ", value, depth);
    value = get(error, "errors");
    if (value.IsEmpty() || !value->IsArray()) return;
    v8::Local<v8::Array> errors = value.As<v8::Array>();
    for (std::uint32_t i = 0; i < errors->Length() && i < kMostErrors; ++i) {
      if (errors->Get(context_, i).ToLocal(&value)) append("one of them: ", value, depth);
    }
  }

 private:
  v8::Local<v8::Value> get(v8::Local<v8::Object> object, const char* name) {
    v8::Local<v8::Value> value;
    return object->Get(context_, to_name(isolate_, name)).FromMaybe(value);
  }

  void append(const char* how, v8::Local<v8::Value> value, int depth) {
    std::string text;
    if (value->IsObject()) {
      v8::Local<v8::Value> stack = get(value.As<v8::Object>(), "stack");
      std::string unused;
      if (!stack.IsEmpty() && stack->IsString()) {
        text = readable_stack(from_value(isolate_, context_, stack), unused);
      }
    }
    if (text.empty()) text = from_value(isolate_, context_, value);
    if (!text_.empty()) text_ += '\n';
    text_ += how + text;
    if (value->IsObject()) append_of(value.As<v8::Object>(), depth + 1);
  }

  v8::Isolate* isolate_;
  v8::Local<v8::Context> context_;
  std::string& text_;
};

}  // namespace

v8::Local<v8::String> to_string(v8::Isolate* isolate, std::string_view utf8) {
  const int length = static_cast<int>(utf8.size());
  if (is_ascii(octets(utf8), utf8.size())) {
    return or_empty(isolate, v8::String::NewFromOneByte(isolate, octets(utf8),
                                                        v8::NewStringType::kNormal, length));
  }
  return or_empty(
      isolate, v8::String::NewFromUtf8(isolate, utf8.data(), v8::NewStringType::kNormal, length));
}

v8::Local<v8::String> to_byte_string(v8::Isolate* isolate, std::string_view bytes) {
  return or_empty(isolate,
                  v8::String::NewFromOneByte(isolate, octets(bytes), v8::NewStringType::kNormal,
                                             static_cast<int>(bytes.size())));
}

v8::Local<v8::String> to_name(v8::Isolate* isolate, std::string_view ascii) {
  return or_empty(
      isolate, v8::String::NewFromOneByte(isolate, octets(ascii), v8::NewStringType::kInternalized,
                                          static_cast<int>(ascii.size())));
}

std::string from_string(v8::Isolate* isolate, v8::Local<v8::String> string) {
  return std::string(Utf8View(isolate, string).view());
}

std::string from_value(v8::Isolate* isolate, v8::Local<v8::Context> context,
                       v8::Local<v8::Value> value) {
  v8::TryCatch caught(isolate);
  v8::Local<v8::String> string;
  return value->ToString(context).ToLocal(&string) ? from_string(isolate, string) : std::string();
}

bool is_ascii(const unsigned char* bytes, std::size_t length) {
  std::uint64_t high = 0;
  std::size_t i = 0;
  for (; i + 32 <= length; i += 32) {
    std::uint64_t words[4];
    std::memcpy(words, bytes + i, sizeof words);
    high |= words[0] | words[1] | words[2] | words[3];
    if ((high & 0x8080808080808080u) != 0) return false;
  }
  for (; i + 8 <= length; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes + i, sizeof word);
    high |= word;
  }
  for (; i < length; ++i) high |= bytes[i];
  return (high & 0x8080808080808080u) == 0;
}

std::string_view latin1_as_utf8(const unsigned char* units, std::size_t length, std::string& copy) {
  if (is_ascii(units, length)) return {reinterpret_cast<const char*>(units), length};
  copy.clear();
  copy.reserve(length + length / 4);
  for (std::size_t i = 0; i < length; ++i) {
    if (units[i] < 0x80) {
      copy += static_cast<char>(units[i]);
    } else {
      copy += static_cast<char>(0xc0 | (units[i] >> 6));
      copy += static_cast<char>(0x80 | (units[i] & 0x3f));
    }
  }
  return copy;
}

Utf8View::Utf8View(v8::Isolate* isolate, v8::Local<v8::String> string) : value_(isolate, string) {
  const std::size_t length = static_cast<std::size_t>(value_.length());
  if (value_.is_one_byte()) {
    view_ = latin1_as_utf8(value_.data8(), length, copy_);
    return;
  }
  const std::uint16_t* units = value_.data16();
  copy_.reserve(length * 2);
  for (std::size_t i = 0; i < length; ++i) {
    std::uint32_t code = units[i];
    if (code >= 0xd800 && code < 0xe000) {
      const bool pair = code < 0xdc00 && i + 1 < length && (units[i + 1] & 0xfc00) == 0xdc00;
      code = pair ? 0x10000 + ((code - 0xd800) << 10) + (units[++i] - 0xdc00) : 0xfffd;
    }
    if (code < 0x80) {
      copy_ += static_cast<char>(code);
    } else if (code < 0x800) {
      copy_ += static_cast<char>(0xc0 | (code >> 6));
      copy_ += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      copy_ += static_cast<char>(0xe0 | (code >> 12));
      copy_ += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
      copy_ += static_cast<char>(0x80 | (code & 0x3f));
    } else {
      copy_ += static_cast<char>(0xf0 | (code >> 18));
      copy_ += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
      copy_ += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
      copy_ += static_cast<char>(0x80 | (code & 0x3f));
    }
  }
  view_ = copy_;
}

ByteStringView::ByteStringView(v8::Isolate* isolate, v8::Local<v8::String> string)
    : value_(isolate, string) {
  const std::size_t length = static_cast<std::size_t>(value_.length());
  if (value_.is_one_byte()) {
    view_ = {reinterpret_cast<const char*>(value_.data8()), length};
    return;
  }
  // V8 may keep Latin-1 in two bytes, for example as a part of a longer string.
  copy_.reserve(length);
  for (std::size_t i = 0; i < length; ++i) copy_ += static_cast<char>(value_.data16()[i]);
  view_ = copy_;
}

BytesView::BytesView(v8::Local<v8::Value> value) {
  if (value->IsArrayBufferView()) {
    // Tiny views live on V8's own heap, where they move: those are copied into tiny_.
    const v8::MemorySpan<std::uint8_t> contents =
        value.As<v8::ArrayBufferView>()->GetContents({tiny_, sizeof tiny_});
    view_ = {reinterpret_cast<const char*>(contents.data()), contents.size()};
    valid_ = true;
  } else if (value->IsArrayBuffer()) {
    v8::Local<v8::ArrayBuffer> buffer = value.As<v8::ArrayBuffer>();
    view_ = {static_cast<const char*>(buffer->Data()), buffer->ByteLength()};
    valid_ = true;
  } else if (value->IsSharedArrayBuffer()) {
    v8::Local<v8::SharedArrayBuffer> buffer = value.As<v8::SharedArrayBuffer>();
    view_ = {static_cast<const char*>(buffer->Data()), buffer->ByteLength()};
    valid_ = true;
  }
}

v8::Local<v8::Uint8Array> to_bytes(v8::Isolate* isolate, std::string&& bytes) {
  const std::size_t size = bytes.size();
  std::unique_ptr<v8::BackingStore> store;
  if (size < kAdoptFrom) {
    store = v8::ArrayBuffer::NewBackingStore(isolate, size,
                                             v8::BackingStoreInitializationMode::kUninitialized);
    if (size > 0) std::memcpy(store->Data(), bytes.data(), size);
  } else {
    auto* owner = new std::string(std::move(bytes));
    store = v8::ArrayBuffer::NewBackingStore(
        owner->data(), size,
        [](void*, std::size_t, void* data) { delete static_cast<std::string*>(data); }, owner);
  }
  return v8::Uint8Array::New(v8::ArrayBuffer::New(isolate, std::move(store)), 0, size);
}

void set_functions(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                   std::span<const NamedFunction> functions, void* self) {
  v8::Isolate* isolate = context->GetIsolate();
  v8::Local<v8::External> data = v8::External::New(isolate, self);
  for (const NamedFunction& function : functions) {
    v8::Local<v8::FunctionTemplate> made = v8::FunctionTemplate::New(
        isolate, function.callback, data, {}, 0, v8::ConstructorBehavior::kThrow,
        v8::SideEffectType::kHasSideEffect, function.fast);
    object
        ->Set(context, to_name(isolate, function.name), made->GetFunction(context).ToLocalChecked())
        .Check();
  }
}

Error error_from(v8::Isolate* isolate, v8::Local<v8::Context> context,
                 v8::Local<v8::Value> thrown) {
  Error error;
  if (thrown.IsEmpty() || isolate->IsExecutionTerminating()) {
    error.message = "the running code was stopped";
    return error;
  }
  v8::TryCatch caught(isolate);  // getters of a hostile error may throw
  auto property = [&](const char* name) -> std::string {
    v8::Local<v8::Value> value;
    if (!thrown.As<v8::Object>()->Get(context, to_name(isolate, name)).ToLocal(&value)) return {};
    return value->IsString() ? from_string(isolate, value.As<v8::String>()) : std::string();
  };
  if (thrown->IsObject()) {
    const std::string name = property("name"), message = property("message");
    error.detail = readable_stack(property("stack"), error.where);
    error.message = message.empty() ? name : name.empty() ? message : name + ": " + message;
    if (!thrown->IsNativeError() && error.message.empty()) {
      error.message = "an object that is not an Error was thrown";
    }
  } else {
    v8::Local<v8::String> text;
    if (thrown->ToDetailString(context).ToLocal(&text)) error.message = from_string(isolate, text);
    error.message += " was thrown, which is not an Error";
  }
  if (error.where.empty()) {
    // Syntax errors have no frame of their own; V8 remembers where they are.
    v8::Local<v8::Message> message = v8::Exception::CreateMessage(isolate, thrown);
    const std::string file = from_value(isolate, context, message->GetScriptResourceName());
    if (!is_internal(file) && file != "undefined") {
      error.where = readable_place(file) + ":" +
                    std::to_string(message->GetLineNumber(context).FromMaybe(0)) + ":" +
                    std::to_string(message->GetStartColumn(context).FromMaybe(0) + 1);
      if (const std::string line = marked_line(isolate, context, message); !line.empty()) {
        error.detail = line + error.detail.substr(0, error.detail.find("\n    at "));
      }
    }
  }
  const std::size_t newline = error.message.find('\n');
  if (newline != std::string::npos) {
    if (error.detail.empty()) error.detail = error.message;
    error.message.resize(newline);
  }
  if (thrown->IsObject()) {
    Causes(isolate, context, error.detail).append_of(thrown.As<v8::Object>());
  }
  return error;
}

}  // namespace duet::js
