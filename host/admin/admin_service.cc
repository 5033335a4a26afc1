#include "host/admin/admin_service.h"

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "embedded/page_html.h"
#include "host/admin/experiment_commands.h"
#include "host/admin/experiments_json.h"
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

void answer_error(Exchange& exchange, int status, const std::string& message,
                  std::initializer_list<std::pair<std::string_view, std::string_view>> fields = {},
                  const std::string& hint = {}) {
  nlohmann::ordered_json body = {{"error", message}};
  if (!hint.empty()) body["hint"] = hint;
  // The path may be any bytes.
  answer(exchange, status, kJson,
         body.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n", fields);
}

// A name server of somebody else's may say that his name is this machine: a page from there would
// be of the same origin. By its address nobody else's page is.
bool is_by_address(std::string_view host) {
  host = host.substr(0, host.starts_with('[') ? host.find(']') : host.find(':'));
  return host == "localhost" || host.starts_with('[') ||
         host.find_first_not_of("0123456789.") == host.npos;
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
      {"/readyz", &AdminService::ready},    {"/api/experiments", &AdminService::experiments},
  };
  constexpr std::string_view kBelow = "/api/experiments/";
  exchange.hand_to(*this, nullptr);
  const std::string_view path = exchange.head().path();
  if (path.starts_with(kBelow)) return experiment(exchange, path.substr(kBelow.size()));
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
                   " here; there are /, /api/handlers, /api/experiments, /metrics, /healthz and "
                   "/readyz");
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

void AdminService::experiments(Exchange& exchange) {
  std::vector<experiment::LiveSnapshot> all;
  if (sources_.experiments) all = sources_.experiments();
  answer(exchange, 200, kJson, experiments_json(all));
}

void AdminService::experiment(Exchange& exchange, std::string_view rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view name = rest.substr(0, slash);
  const http::Method method = exchange.head().method();
  if (slash != rest.npos) {
    if (method == http::Method::kPost) return command(exchange, name, rest.substr(slash + 1));
    return answer_error(exchange, 405, "this path answers POST", {{"Allow", "POST"}});
  }
  if (method != http::Method::kGet && method != http::Method::kHead) {
    return answer_error(exchange, 405, "this path answers GET and HEAD", {{"Allow", "GET, HEAD"}});
  }
  std::vector<experiment::LiveSnapshot> all;
  if (sources_.experiments) all = sources_.experiments();
  for (const experiment::LiveSnapshot& one : all) {
    if (one.name == name) return answer(exchange, 200, kJson, experiment_json(one));
  }
  no_such_experiment(exchange, name);
}

void AdminService::no_such_experiment(Exchange& exchange, std::string_view name) {
  std::string names;
  if (sources_.experiments) {
    for (const experiment::LiveSnapshot& one : sources_.experiments()) {
      names += (names.empty() ? "there are " : ", ") + one.name;
    }
  }
  answer_error(exchange, 404, "there is no experiment '" + std::string(name) + "'", {},
               names.empty() ? "[[experiment]] in duet.toml makes one" : names);
}

void AdminService::command(Exchange& exchange, std::string_view name, std::string_view action) {
  const http::RequestHead& head = exchange.head();
  const std::string who(head.get("Duet-By"));
  if (who.empty()) {
    return answer_error(exchange, 403, "a change needs the field Duet-By: who wants it", {},
                        "it goes into the audit");
  }
  if (!is_by_address(head.host())) {
    return answer_error(exchange, 403, "changes are made by the host's address, not by a name");
  }
  experiment::Live* const live =
      sources_.find_experiment ? sources_.find_experiment(name) : nullptr;
  if (live == nullptr) {
    return no_such_experiment(exchange, name);
  }
  const auto decision = action == "recompare" && sources_.recompare
                            ? sources_.recompare(*live, who)
                            : admin::command(*live, action, head.query(), who);
  if (!decision) {
    return answer_error(exchange, 400, decision.error().message, {}, decision.error().hint);
  }
  if (sources_.commanded) sources_.commanded(*live, *decision);
  const nlohmann::ordered_json body = {{"done", decision->sentence}};
  answer(exchange, 200, kJson,
         body.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace duet::admin
