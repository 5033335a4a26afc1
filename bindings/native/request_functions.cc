#include "bindings/native/request_functions.h"

#include <string>
#include <string_view>

#include "host/exchange.h"

namespace duet::native {
namespace {

Exchange& of(duet_request* request) { return *reinterpret_cast<Exchange*>(request); }
const Exchange& of(const duet_request* request) {
  return *reinterpret_cast<const Exchange*>(request);
}

duet_request_id id(const duet_request* request) { return of(request).id(); }
duet_str method(const duet_request* request) { return to_str(of(request).head().method_text()); }
duet_str path(const duet_request* request) { return to_str(of(request).head().path()); }
duet_str query(const duet_request* request) { return to_str(of(request).head().query()); }
duet_str body(const duet_request* request) { return to_str(of(request).peek_body()); }

duet_str header(const duet_request* request, duet_str name) {
  return to_str(of(request).head().get(to_view(name)));
}

duet_str param(const duet_request* request, duet_str name) {
  for (const http::Param& param : of(request).params()) {
    if (param.name == to_view(name)) return to_str(param.value);
  }
  return {nullptr, 0};
}

duet_status read(duet_request* request, duet_str* piece) {
  // The interface says "valid until any next read", so one place for all requests will do.
  thread_local std::string taken;
  Exchange& exchange = of(request);
  for (;;) {
    taken = exchange.take_body();
    if (!taken.empty()) {
      *piece = to_str(taken);
      return DUET_OK;
    }
    if (exchange.body_ended() || exchange.body_failed() || exchange.aborted()) return DUET_END;
    if (!exchange.want_body(BodyDemand::kSome)) return DUET_WAIT;
  }
}

// The head that every answer is built in: its memory is reused. Null after a mistake of the
// plug-in's, which has failed the request.
const http::ResponseHead* build_head(Exchange& exchange, int status, const duet_field* fields,
                                     std::size_t count) {
  thread_local http::ResponseHead head;
  if (!http::ResponseHead::valid_status(status)) {
    exchange.fail(Error{"the plug-in answered with status " + std::to_string(status),
                        {},
                        "a status is between 200 and 599",
                        {}});
    return nullptr;
  }
  head.reset(status);
  for (std::size_t i = 0; i < count; ++i) {
    const char* refusal = head.add(to_view(fields[i].name), to_view(fields[i].value));
    if (refusal != nullptr) {
      // The name is cut to what is printable by the log; a value may be a secret and is not shown.
      exchange.fail(Error{"the plug-in's header field '" + std::string(to_view(fields[i].name)) +
                              "' was refused: " + refusal,
                          {},
                          {},
                          {}});
      return nullptr;
    }
  }
  return &head;
}

int respond(duet_request* request, int status, const duet_field* fields, std::size_t count,
            duet_str body) {
  Exchange& exchange = of(request);
  const http::ResponseHead* head = build_head(exchange, status, fields, count);
  return head != nullptr && exchange.respond(*head, to_view(body)) ? 0 : 1;
}

int start(duet_request* request, int status, const duet_field* fields, std::size_t count) {
  Exchange& exchange = of(request);
  const http::ResponseHead* head = build_head(exchange, status, fields, count);
  return head != nullptr && exchange.start(*head) ? 0 : 1;
}

duet_status write(duet_request* request, duet_str piece) {
  switch (of(request).write(to_view(piece))) {
    case WriteResult::kOk:
      return DUET_OK;
    case WriteResult::kFull:
      return DUET_WAIT;
    case WriteResult::kGone:
      return DUET_END;
  }
  return DUET_END;
}

void end(duet_request* request) { of(request).end(); }

void fail(duet_request* request, duet_str message) {
  of(request).fail(Error{std::string(to_view(message)), {}, {}, {}});
}

}  // namespace

void add_request_functions(duet_host& host) {
  host.id = id;
  host.method = method;
  host.path = path;
  host.query = query;
  host.header = header;
  host.param = param;
  host.body = body;
  host.read = read;
  host.respond = respond;
  host.start = start;
  host.write = write;
  host.end = end;
  host.fail = fail;
}

}  // namespace duet::native
