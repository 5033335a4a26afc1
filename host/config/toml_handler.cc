#include "host/config/toml_handler.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "host/base/escape.h"
#include "host/config/toml_words.h"

namespace duet::config {

namespace {

constexpr std::int64_t kMostConnections = 10000;

}  // namespace

void read_application(const ReaderContext& context, TableReader& table, Handler& handler) {
  constexpr std::string_view kInterfaces[] = {"fetch", "asgi", "asgi2", "wsgi"};
  if (const TomlEntry* text = table.text("interface", "\"asgi\"")) {
    const std::string& word = text->value.string;
    if (std::find(std::begin(kInterfaces), std::end(kInterfaces), word) == std::end(kInterfaces)) {
      context.not_one_of(*text, kInterfaces);
    } else if (handler.language != Language::kPython) {
      context.error(text->value.place, "'interface' is for Python handlers only", "remove it");
    } else {
      handler.interface = word;
    }
  }
  if (const TomlEntry* text = table.text("root_path", "\"/shop\"")) {
    std::string path = text->value.string;
    while (path.ends_with('/')) path.pop_back();
    if (!path.empty() && !path.starts_with('/')) {
      context.error(text->value.place, "'root_path' must begin with '/'",
                    "write root_path = \"/" + printable(path) + "\"");
    } else {
      handler.root_path = std::move(path);
    }
  }
}

void read_service(const ReaderContext& context, TableReader& table, const TomlEntry& entry,
                  Handler& handler) {
  const TomlEntry* options = table.table("upstream");
  if (handler.language != Language::kHttp) {
    if (options != nullptr) {
      context.error(options->place, "'upstream' is for a service elsewhere, by an http:// source",
                    "remove it, or write source = \"http://127.0.0.1:8080\"");
    }
    return;
  }
  for (const std::string_view key : {"root", "env", "root_path"}) {
    const TomlEntry* const found = entry.value.find(key);
    if (found == nullptr) continue;
    context.error(found->place, "'" + std::string(key) + "' is for handlers that this host runs",
                  key == "root_path" ? "write the prefix into the source: http://host:port/prefix"
                                     : "remove it: the service is started by somebody else");
  }
  if (options == nullptr) return;
  Service& service = handler.service;
  TableReader inner(context, options->value.entries, "[handlers." + entry.key + ".upstream]",
                    kUpstreamWords);
  if (const auto t = inner.duration("connect", kShortestTime, kLongestTime, false))
    service.connect = *t;
  if (const auto t = inner.duration("body", kShortestTime, kLongestTime, true))
    service.body_idle = *t;
  if (const auto t = inner.duration("keep_alive", kShortestTime, kLongestTime, false)) {
    service.keep_alive = *t;
  }
  if (const auto count = inner.integer("connections", 1, kMostConnections)) {
    service.connections = static_cast<std::size_t>(*count);
  }
  inner.finish();
}

}  // namespace duet::config
