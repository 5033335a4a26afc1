#include "host/failure.h"

#include <random>
#include <string_view>

#include "host/base/check.h"
#include "host/base/log.h"

namespace duet {

namespace {

void plain(http::ResponseHead& head, int status) {
  head.reset(status);
  DUET_CHECK(head.add("Content-Type", "text/plain; charset=utf-8") == nullptr);
  DUET_CHECK(head.add("Cache-Control", "no-store") == nullptr);
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
}

std::string browser_page(const Exchange& exchange, const Error& error, const std::string& id) {
  const HandlerInfo& info = *exchange.info();
  std::string page =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      // A browser would ask the handler that just failed for /favicon.ico.
      "<link rel=\"icon\" href=\"data:,\"><title>500 ";
  append_escaped(page, error.message);
  page +=
      "</title><style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;"
      "max-width:60rem;margin:3rem auto;padding:0 1rem}h1{font-size:1.4rem;"
      "overflow-wrap:anywhere}pre{padding:1rem;overflow:auto;border-radius:.4rem;"
      "background:color-mix(in srgb,CanvasText 8%,Canvas)}dt{opacity:.65;float:left;clear:left;"
      "width:6rem}dd{margin-left:6rem;"
      "overflow-wrap:anywhere}</style><h1>";
  append_escaped(page, error.message);
  page += "</h1><dl>";
  const auto row = [&page](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    page += "<dt>";
    page += name;
    page += "</dt><dd>";
    append_escaped(page, value);
    page += "</dd>";
  };
  row("at", error.where);
  row("handler", info.name);
  row("route", info.route);
  row("language", info.language);
  row("what to do", error.hint);
  row("error id", id);
  page += "</dl>";
  if (!error.detail.empty()) {
    page += "<pre>";
    append_escaped(page, error.detail);
    page += "</pre>";
  }
  page += "<p>Shown because the host runs with --dev.</p></html>\n";
  return page;
}

}  // namespace

std::string new_error_id() {
  // The letters of Crockford's base 32: none is mistaken for another when read aloud.
  static constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::uint64_t bits = random();
  std::string id(8, ' ');
  for (char& c : id) {
    c = kAlphabet[bits & 31];
    bits >>= 5;
  }
  return id;
}

void log_failure(const Exchange& exchange, const Error& error, const std::string& id) {
  const HandlerInfo* info = exchange.info();
  const std::string target(exchange.head().target().substr(0, 256));
  const std::string_view none;
  log::error(error.message,
             {{"handler", info != nullptr ? std::string_view(info->name) : none},
              {"route", info != nullptr ? std::string_view(info->route) : none},
              {"language", info != nullptr ? std::string_view(info->language) : none},
              {"at", error.where},
              {"method", exchange.head().method_text()},
              {"target", target},
              {"hint", error.hint},
              {"error_id", id},
              {"stack", error.detail}});
}

void log_deadline(const Exchange& exchange) {
  const HandlerInfo* info = exchange.info();
  const std::string target(exchange.head().target().substr(0, 256));
  const std::string_view none;
  log::warn("no answer before the deadline: 504",
            {{"handler", info != nullptr ? std::string_view(info->name) : none},
             {"route", info != nullptr ? std::string_view(info->route) : none},
             {"method", exchange.head().method_text()},
             {"target", target},
             {"waited_for", exchange.waits_for()}});
}

std::string failure_page(const Exchange& exchange, const Error& error, const std::string& id,
                         http::ResponseHead& head) {
  const bool dev = exchange.info() != nullptr && exchange.info()->dev;
  if (dev && exchange.head().get("accept").find("text/html") != std::string_view::npos) {
    head.reset(500);
    DUET_CHECK(head.add("Content-Type", "text/html; charset=utf-8") == nullptr);
    DUET_CHECK(head.add("Cache-Control", "no-store") == nullptr);
    return browser_page(exchange, error, id);
  }
  plain(head, 500);
  std::string page = "500 Internal Server Error\nerror id: " + id + "\n";
  if (dev) {
    page += error.to_string() + "\n";
    if (!error.detail.empty()) page += "\n" + error.detail + "\n";
  }
  return page;
}

std::string abort_page(AbortReason reason, http::ResponseHead& head) {
  if (reason == AbortReason::kDeadline) {
    plain(head, 504);
    return "504 Gateway Timeout\nThe handler did not answer in time.\n";
  }
  plain(head, 503);
  return "503 Service Unavailable\nThe server is stopping.\n";
}

}  // namespace duet
