#include "bindings/js/exchange_object.h"

#include <cstddef>
#include <cstring>
#include <utility>

#include "bindings/js/convert.h"
#include "host/base/check.h"

namespace duet::js {
namespace {

// What text() can be asked for, what wantBody() takes and gives, what write() gives: as in
// request.js and answer.js.
enum Text { kMethod = 0, kUrl = 1, kQuery = 2, kRemote = 3 };
enum Demand { kNothing = 0, kSome = 1, kWhole = 2 };
enum Met { kOver = -1, kLater = 0, kNow = 1 };
constexpr std::int32_t kGone = 2;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string lower(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return result;
}

// Bytes of a body for exchange.respond() or write(): a string, an ArrayBuffer or a view, or null.
// `use` is called with them; false when the value is something else.
template <class Use>
bool with_bytes(v8::Isolate* isolate, v8::Local<v8::Value> value, Use use) {
  if (value->IsString()) {
    const Utf8View text(isolate, value.As<v8::String>());
    use(text.view());
    return true;
  }
  if (value->IsNullOrUndefined()) {
    use(std::string_view());
    return true;
  }
  const BytesView bytes(value);
  if (bytes.valid()) use(bytes.view());
  return bytes.valid();
}

// What a head has beside its fields, written among them under names that no field can have.
const char* set_property(http::ResponseHead& head, std::string_view name, std::string_view value) {
  if (name == ":reason") return head.set_reason(value);
  if (name == ":chunked") head.set_chunked();
  if (name == ":dateless") head.leave_date_out();
  return nullptr;
}

}  // namespace

std::string_view why_aborted(AbortReason reason) {
  switch (reason) {
    case AbortReason::kNone:
      break;
    case AbortReason::kClientGone:
      return "the client is gone";
    case AbortReason::kDeadline:
      return "the deadline has passed";
    case AbortReason::kRefused:
      return "the rest of the request was refused";
    case AbortReason::kShutdown:
      return "the host is stopping";
  }
  return "it was aborted";
}

void ExchangeObject::install(v8::Local<v8::Context> context, v8::Local<v8::Object> host) {
  static const v8::CFunction kRespondAlike = v8::CFunction::Make(respond_alike_fast);
  const NamedFunction functions[] = {
      {"text", text},
      {"header", header},
      {"headers", headers},
      {"params", params},
      {"deadline", deadline},
      {"assignment", assignment},
      {"aborted", aborted},
      {"watch", watch},
      {"hasBody", has_body},
      {"wantBody", want_body},
      {"takeText", take_text},
      {"takeBytes", take_bytes},
      {"bodyEnded", body_ended},
      {"bodyTooLong", body_too_long},
      {"discardBody", discard_body},
      {"respond", respond},
      {"respondAlike", respond_alike, &kRespondAlike},
      {"start", start},
      {"write", write},
      {"end", end},
      {"fulfilled", fulfilled},
      {"nodeHead", node_head},
      {"addresses", addresses},
      {"interim", interim},
      {"trailers", trailers},
      {"cut", cut},
      {"startRaw", start_raw},
      {"closeAfter", close_after},
      {"resume", resume},
      {"pause", pause},
      {"timerBase", timer_base},
  };
  set_functions(context, host, functions, this);
  for (std::size_t i = 0; i + 1 < methods_.size(); ++i) {
    methods_[i].Set(isolate_, to_name(isolate_, http::method_name(static_cast<http::Method>(i))));
  }
  Pump::Shared& shared = pump_.shared();
  v8::Local<v8::ArrayBuffer> memory = v8::ArrayBuffer::New(
      isolate_, v8::ArrayBuffer::NewBackingStore(&shared, sizeof shared,
                                                 v8::BackingStore::EmptyDeleter, nullptr));
  host->Set(context, to_name(isolate_, "shared"), v8::Int32Array::New(memory, 0, 4)).Check();
  host->Set(context, to_name(isolate_, "sharedId"),
            v8::Float64Array::New(memory, offsetof(Pump::Shared, id), 1))
      .Check();
}

// --- the request ---

void ExchangeObject::text(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  const Exchange* exchange = object->find(arguments);
  if (exchange == nullptr) return;
  v8::Isolate* isolate = object->isolate_;
  const http::RequestHead& head = exchange->head();
  switch (arguments[1].As<v8::Int32>()->Value()) {
    case kMethod:
      if (head.method() == http::Method::kOther) {
        arguments.GetReturnValue().Set(to_name(isolate, head.method_text()));
      } else {
        arguments.GetReturnValue().Set(
            object->methods_[static_cast<std::size_t>(head.method())].Get(isolate));
      }
      break;
    case kUrl:
      arguments.GetReturnValue().Set(to_string(isolate, exchange->url()));
      break;
    case kQuery:
      arguments.GetReturnValue().Set(to_string(isolate, head.query()));
      break;
    default:
      break;
  }
}

void ExchangeObject::header(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  const Exchange* exchange = object->find(arguments);
  if (exchange == nullptr) return;
  char name[256];
  v8::Local<v8::String> wanted = arguments[1].As<v8::String>();
  const int length = wanted->Length();
  if (length > static_cast<int>(sizeof name)) {  // no field of a request head is longer in practice
    arguments.GetReturnValue().SetNull();
    return;
  }
  wanted->WriteOneByteV2(object->isolate_, 0, static_cast<std::uint32_t>(length),
                         reinterpret_cast<std::uint8_t*>(name));
  const std::string_view key(name, static_cast<std::size_t>(length));
  const http::RequestHead& head = exchange->head();
  std::string_view first;
  std::string combined;
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const http::Field field = head.field(i);
    if (!http::equals_ignoring_case(field.name, key)) continue;
    if (first.data() == nullptr) {
      first = field.value.data() != nullptr ? field.value : std::string_view("");
      continue;
    }
    if (combined.empty()) combined = first;
    combined += key == "cookie" ? "; " : ", ";
    combined += field.value;
  }
  if (first.data() == nullptr) {
    arguments.GetReturnValue().SetNull();
  } else {
    arguments.GetReturnValue().Set(
        to_byte_string(object->isolate_, combined.empty() ? first : combined));
  }
}

void ExchangeObject::headers(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  const Exchange* exchange = object->find(arguments);
  if (exchange == nullptr) return;
  v8::Isolate* isolate = object->isolate_;
  const http::RequestHead& head = exchange->head();
  v8::LocalVector<v8::Value> flat(isolate);
  flat.reserve(head.field_count() * 2);
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const http::Field field = head.field(i);
    flat.push_back(to_name(isolate, lower(field.name)));
    flat.push_back(to_byte_string(isolate, field.value));
  }
  arguments.GetReturnValue().Set(v8::Array::New(isolate, flat.data(), flat.size()));
}

void ExchangeObject::params(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  const Exchange* exchange = object->find(arguments);
  if (exchange == nullptr) return;
  v8::Isolate* isolate = object->isolate_;
  v8::LocalVector<v8::Value> flat(isolate);
  for (const http::Param& param : exchange->params()) {
    flat.push_back(to_string(isolate, param.name));
    flat.push_back(to_string(isolate, param.value));
  }
  arguments.GetReturnValue().Set(v8::Array::New(isolate, flat.data(), flat.size()));
}

void ExchangeObject::deadline(const Arguments& arguments) {
  const Exchange* exchange = self(arguments)->find(arguments);
  if (exchange == nullptr) return;
  const Nanos at = exchange->deadline();
  const Nanos wall_milliseconds = (wall_now() + at - now()) / kMillisecond;
  arguments.GetReturnValue().Set(at == 0 ? 0.0 : static_cast<double>(wall_milliseconds));
}

// [variant, key]; null for what there is not.
void ExchangeObject::assignment(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  const Exchange* exchange = object->find(arguments);
  if (exchange == nullptr) return;
  v8::Isolate* isolate = object->isolate_;
  const Assignment& assignment = exchange->assignment();
  const auto text = [&](std::string_view value) -> v8::Local<v8::Value> {
    if (value.empty()) return v8::Null(isolate);
    return to_string(isolate, value);
  };
  v8::Local<v8::Value> both[] = {text(assignment.name()), text(assignment.key)};
  arguments.GetReturnValue().Set(v8::Array::New(isolate, both, 2));
}

void ExchangeObject::aborted(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  const Exchange* exchange = object->find(arguments);
  if (exchange == nullptr || !exchange->aborted()) return;
  arguments.GetReturnValue().Set(to_name(object->isolate_, why_aborted(exchange->abort_reason())));
}

void ExchangeObject::watch(const Arguments& arguments) {
  Exchange* exchange = self(arguments)->find(arguments);
  if (exchange != nullptr) exchange->engine_data = arguments[1].As<v8::Uint32>()->Value();
  arguments.GetReturnValue().Set(exchange != nullptr);
}

// --- its body ---

void ExchangeObject::has_body(const Arguments& arguments) {
  const Exchange* exchange = self(arguments)->find(arguments);
  if (exchange != nullptr) arguments.GetReturnValue().Set(exchange->head().has_body());
}

void ExchangeObject::want_body(const Arguments& arguments) {
  Exchange* exchange = self(arguments)->find(arguments);
  std::int32_t met = kOver;
  if (exchange != nullptr && !exchange->aborted()) {
    const BodyDemand demand =
        arguments[1].As<v8::Int32>()->Value() == kWhole ? BodyDemand::kWhole : BodyDemand::kSome;
    met = exchange->want_body(demand) ? kNow : kLater;
  }
  arguments.GetReturnValue().Set(met);
}

void ExchangeObject::take_text(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  Exchange* exchange = object->find(arguments);
  if (exchange == nullptr || exchange->body_failed() || !exchange->body_ended()) return;
  // A view and not take_body(): the bytes are only read here, and the buffer keeps its memory.
  std::string_view bytes = exchange->peek_body();
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  arguments.GetReturnValue().Set(to_string(object->isolate_, bytes));
}

void ExchangeObject::take_bytes(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  Exchange* exchange = object->find(arguments);
  if (exchange == nullptr || exchange->body_failed() || exchange->aborted()) return;
  arguments.GetReturnValue().Set(to_bytes(object->isolate_, exchange->take_body()));
}

void ExchangeObject::body_ended(const Arguments& arguments) {
  const Exchange* exchange = self(arguments)->find(arguments);
  arguments.GetReturnValue().Set(exchange == nullptr ||
                                 (exchange->body_ended() && exchange->peek_body().empty()));
}

void ExchangeObject::body_too_long(const Arguments& arguments) {
  const Exchange* exchange = self(arguments)->find(arguments);
  arguments.GetReturnValue().Set(exchange != nullptr && exchange->body_failed() &&
                                 exchange->status() == 413);
}

void ExchangeObject::discard_body(const Arguments& arguments) {
  Exchange* exchange = self(arguments)->find(arguments);
  if (exchange != nullptr) exchange->take_body();
}

// --- the answer ---

bool ExchangeObject::set_head(const Arguments& arguments) {
  const int status = arguments[1].As<v8::Int32>()->Value();
  const char* wrong = nullptr;
  std::string name_of_wrong;
  {
    const ByteStringView view(isolate_, arguments[2].As<v8::String>());
    std::string_view text = view.view();
    if (status == head_.status() && text == head_text_) return true;
    ++pump_.shared().head;
    head_text_ = text;
    head_.reset(status);
    while (!text.empty() && wrong == nullptr) {
      const std::size_t name_end = text.find('\n');
      const std::size_t value_end = text.find('\n', name_end + 1);
      DUET_CHECK(value_end != std::string_view::npos);
      const std::string_view name = text.substr(0, name_end);
      const std::string_view value = text.substr(name_end + 1, value_end - name_end - 1);
      wrong = name.starts_with(':') ? set_property(head_, name, value) : head_.add(name, value);
      if (wrong != nullptr) name_of_wrong = name;
      text.remove_prefix(value_end + 1);
    }
  }
  if (wrong == nullptr) return true;
  head_.reset(200);
  head_text_.clear();
  isolate_->ThrowException(
      v8::Exception::TypeError(to_string(isolate_, "header " + name_of_wrong + ": " + wrong)));
  return false;
}

void ExchangeObject::respond(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  Exchange* exchange = object->find(arguments);
  if (exchange == nullptr || !object->set_head(arguments)) return;
  bool sent = false;
  with_bytes(object->isolate_, arguments[3],
             [&](std::string_view body) { sent = exchange->respond(object->head_, body); });
  arguments.GetReturnValue().Set(sent);
}

// respondAlike(id, text): respond() with the head of the last answer, and a string.
void ExchangeObject::respond_alike(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  Exchange* exchange = object->find(arguments);
  if (exchange == nullptr) return;
  const Utf8View text(object->isolate_, arguments[1].As<v8::String>());
  arguments.GetReturnValue().Set(exchange->respond(object->head_, text.view()));
}

bool ExchangeObject::respond_alike_fast(v8::Local<v8::Object> /*receiver*/, double id,
                                        const v8::FastOneByteString& text,
                                        v8::FastApiCallbackOptions& options) {
  auto* object = static_cast<ExchangeObject*>(options.data.As<v8::External>()->Value());
  Exchange* exchange = object->exchanges_.find(static_cast<ExchangeId>(id));
  if (exchange == nullptr) return false;
  std::string copy;
  return exchange->respond(
      object->head_,
      latin1_as_utf8(reinterpret_cast<const unsigned char*>(text.data), text.length, copy));
}

void ExchangeObject::start(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  Exchange* exchange = object->find(arguments);
  if (exchange == nullptr || !object->set_head(arguments)) return;
  arguments.GetReturnValue().Set(exchange->start(object->head_));
}

void ExchangeObject::write(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  Exchange* exchange = object->find(arguments);
  std::int32_t result = kGone;
  if (exchange != nullptr) {
    with_bytes(object->isolate_, arguments[1], [&](std::string_view bytes) {
      result = static_cast<std::int32_t>(exchange->write(bytes));
    });
  }
  arguments.GetReturnValue().Set(result);
}

void ExchangeObject::end(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  Exchange* exchange = object->find(arguments);
  if (exchange == nullptr) return;
  if (!arguments[1]->IsString() || arguments[1].As<v8::String>()->Length() == 0) {
    exchange->end();
    return;
  }
  const ByteStringView trailers(object->isolate_, arguments[1].As<v8::String>());
  exchange->end(trailers.view());
}

// fulfilled(promise): its value when it is fulfilled already, else the promise itself.
void ExchangeObject::fulfilled(const Arguments& arguments) {
  v8::Local<v8::Value> value = arguments[0];
  if (value->IsPromise() && value.As<v8::Promise>()->State() == v8::Promise::kFulfilled) {
    value = value.As<v8::Promise>()->Result();
  }
  arguments.GetReturnValue().Set(value);
}

// --- time ---

void ExchangeObject::resume(const Arguments& arguments) {
  ExchangeObject* object = self(arguments);
  object->pump_.resume(static_cast<ExchangeId>(arguments[0].As<v8::Number>()->Value()),
                       arguments[1].As<v8::Uint32>()->Value(),
                       arguments[2].As<v8::Number>()->Value(),
                       arguments[3].As<v8::Number>()->Value());
}

void ExchangeObject::pause(const Arguments& arguments) { self(arguments)->pump_.pause(); }

void ExchangeObject::timer_base(const Arguments& arguments) {
  self(arguments)->pump_.set_timer_base(arguments[0].As<v8::Number>()->Value());
}

}  // namespace duet::js
