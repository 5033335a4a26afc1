#include "host/admin/admin_service.h"

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "embedded/page_html.h"
#include "host/admin/handlers_json.h"
#include "host/base/check.h"
#include "host/measure/exposition.h"

namespace duet::admin {
namespace {

constexpr std::string_view kJson = "application/json; charset=utf-8";
constexpr std::string_view kText = "text/plain; charset=utf-8";

void answer(Exchange& exchange, int status, std::string_view type, std::string_view body,
            std::initializer_list<std::pair<std::string_view, std::string_view>> fields = {}) {
  http::ResponseHead head;
  head.reset(status);
  const auto add = [&](std::string_view name, std::string_view value) {
    DUET_CHECK(head.add(name, value) == nullptr);  // all values are ours
  };
  add("Content-Type", type);
  add("Cache-Control", "no-store");
  add("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : fields) add(name, value);
  exchange.respond(head, body);
}

void answer_error(
    Exchange& exchange, int status, const std::string& message,
    std::initializer_list<std::pair<std::string_view, std::string_view>> fields = {}) {
  const nlohmann::ordered_json body = {{"error", message}};
  // The path may be any bytes.
  answer(exchange, status, kJson,
         body.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n", fields);
}

}  // namespace

struct AdminService::Page {
  std::string_view path;
  Answer answer;
};

void AdminService::serve(Exchange& exchange) {
  static constexpr Page kPages[] = {
      {"/", &AdminService::page},           {"/api/handlers", &AdminService::handlers},
      {"/metrics", &AdminService::metrics}, {"/healthz", &AdminService::health},
      {"/readyz", &AdminService::ready},
  };
  exchange.hand_to(*this, nullptr);
  for (const Page& page : kPages) {
    if (exchange.head().path() != page.path) continue;
    const http::Method method = exchange.head().method();
    if (method != http::Method::kGet && method != http::Method::kHead) {
      return answer_error(exchange, 405, "this path answers GET and HEAD",
                          {{"Allow", "GET, HEAD"}});
    }
    return (this->*page.answer)(exchange);
  }
  answer_error(exchange, 404,
               "there is no " + std::string(exchange.head().path()) +
                   " here; there are /, /api/handlers, /metrics, /healthz and /readyz");
}

void AdminService::page(Exchange& exchange) {
  answer(exchange, 200, "text/html; charset=utf-8", embedded::page_html,
         {{"Content-Security-Policy",
           "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
           "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}});
}

void AdminService::handlers(Exchange& exchange) {
  answer(exchange, 200, kJson, handlers_json(sources_.snapshot()));
}

void AdminService::metrics(Exchange& exchange) {
  const measure::ExpositionFormat format =
      measure::negotiate_exposition(exchange.head().get("accept"));
  answer(exchange, 200, measure::content_type(format),
         measure::expose(*sources_.metrics, sources_.snapshot(), format), {{"Vary", "Accept"}});
}

void AdminService::health(Exchange& exchange) { answer(exchange, 200, kText, "ok\n"); }

void AdminService::ready(Exchange& exchange) {
  const std::string why = sources_.not_ready();
  if (why.empty()) return answer(exchange, 200, kText, "ready\n");
  answer(exchange, 503, kText, "not ready: " + why + "\n", {{"Retry-After", "1"}});
}

}  // namespace duet::admin
