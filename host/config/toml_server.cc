#include "host/config/toml_server.h"

#include <algorithm>
#include <optional>

#include "host/config/toml_endpoints.h"
#include "host/config/toml_experiment.h"
#include "host/config/toml_words.h"
#include "host/config/values.h"

namespace duet::config {
namespace {

void read_listen(const ReaderContext& context, TableReader& table, const std::string& directory,
                 ServerConfig& server) {
  const TomlEntry* entry = table.take("listen");
  if (entry == nullptr) return;
  if (entry->value.type == TomlValue::Type::kInteger) {
    const std::string port = std::to_string(entry->value.integer);
    context.error(entry->value.place, "'listen' in [server] must be text, not an integer",
                  "write listen = \"127.0.0.1:" + port +
                      "\" for this machine only, \"0.0.0.0:" + port + "\" for every interface");
    return;
  }
  if (entry->value.type == TomlValue::Type::kArray && entry->value.items.empty()) {
    context.error(entry->value.place, "'listen' in [server] is empty",
                  "name an address, or remove the line for the default 127.0.0.1:8000");
    return;
  }
  for (const TomlValue* item : table.texts("listen", "[\"127.0.0.1:8000\"]")) {
    Result<Address> address = parse_address(item->string, directory);
    if (!address) {
      context.error(item->place, address.error());
      continue;
    }
    const bool fixed = address->is_unix() || address->port != 0;
    const auto& known = server.listen;
    if (fixed && std::find(known.begin(), known.end(), *address) != known.end()) {
      context.error(item->place, "the address " + address->to_string() + " is listed twice",
                    "remove one of them");
      continue;
    }
    server.listen.push_back(std::move(*address));
  }
}

void read_admin(const ReaderContext& context, TableReader& table, const std::string& directory,
                ServerConfig& server) {
  const TomlEntry* entry = table.take("admin");
  if (entry == nullptr) return;
  const TomlValue& value = entry->value;
  if (value.type == TomlValue::Type::kBoolean && !value.boolean) {
    context.error(value.place, "'admin' in [server] must be text, not true or false",
                  "write admin = \"off\"");
    return;
  }
  const TomlEntry* text = table.text("admin", "\"127.0.0.1:9000\" or \"off\"");
  if (text == nullptr) return;
  server.admin_is_default = false;
  if (value.string == "off") return;
  Result<Address> address = parse_address(value.string, directory);
  if (!address) return context.error(value.place, address.error());
  if (!is_local(*address)) {
    context.warning(value.place,
                    "other machines can reach the admin address " + address->to_string(),
                    "it shows handlers, routes and timings to anybody; 127.0.0.1 is safer");
  }
  server.admin.push_back(std::move(*address));
}

// Gives the limit of bodies, if the file has one.
std::optional<std::uint64_t> read_limits(const ReaderContext& context, const TomlEntry& entry,
                                         Limits& limits) {
  TableReader table(context, entry.value.entries, "[server.limits]", kLimitWords);
  const TomlEntry* target_entry = entry.value.find("target");
  if (const auto size = table.size("head", 256, kMebi)) limits.head_bytes = *size;
  if (const auto size = table.size("target", 16, kMebi)) limits.target_bytes = *size;
  const auto body = table.size("body", 0, kMebi * kMebi);
  if (body) limits.body_bytes = *body;
  if (const auto count = table.integer("pipelined", 1, 1024)) {
    limits.pipelined = static_cast<std::size_t>(*count);
  }
  table.finish();
  if (limits.target_bytes > limits.head_bytes) {
    if (target_entry != nullptr) {
      context.error(target_entry->value.place, "'target' is larger than the head that holds it",
                    "at most " + show_size(limits.head_bytes) + ", or raise 'head'");
    } else {
      limits.target_bytes = limits.head_bytes;
    }
  }
  return body;
}

void read_timeouts(const ReaderContext& context, const TomlEntry& entry, Timeouts& timeouts) {
  TableReader table(context, entry.value.entries, "[server.timeouts]", kTimeoutWords);
  if (const auto t = table.duration("head", kShortestTime, kLongestTime, false)) timeouts.head = *t;
  if (const auto t = table.duration("body", kShortestTime, kLongestTime, false))
    timeouts.body_idle = *t;
  if (const auto t = table.duration("send", kShortestTime, kLongestTime, false)) timeouts.send = *t;
  if (const auto t = table.duration("keep_alive", kShortestTime, kLongestTime, false)) {
    timeouts.keep_alive = *t;
  }
  if (const auto t = table.duration("shutdown", kShortestTime, kLongestTime, true)) {
    timeouts.shutdown = *t;
  }
  table.finish();
}

void read_websocket(const ReaderContext& context, const TomlEntry& entry, WebSocketLimits& limits) {
  TableReader table(context, entry.value.entries, "[server.websocket]", kWebSocketWords);
  if (const auto size = table.size("message", 1, kMebi * 1024)) limits.message_bytes = *size;
  if (const auto size = table.size("buffered", 64 * 1024, kMebi * 1024)) {
    limits.buffered_bytes = *size;
  }
  if (const auto t = table.duration("ping", kShortestTime, kLongestTime, true)) limits.ping = *t;
  if (const auto compression = table.flag("compression")) limits.compression = *compression;
  table.finish();
}

}  // namespace

Defaults read_server(const ReaderContext& context, const TomlEntry& entry,
                     const std::string& directory, TomlConfig& config) {
  ServerConfig& server = config.config.server;
  Defaults defaults;
  TableReader table(context, entry.value.entries, "[server]", kServerWords);
  read_listen(context, table, directory, server);
  read_admin(context, table, directory, server);
  if (const auto dev = table.flag("dev")) server.dev = *dev;
  if (const auto deadline = table.duration("deadline", kShortestTime, kLongestTime, true)) {
    defaults.deadline = *deadline;
  }
  if (const TomlEntry* env_file = table.text("env_file", "\".env\"")) {
    config.env_file = env_file->value.string;
    config.env_file_place = env_file->value.place;
  }
  if (const auto times = table.flag("kernel_timestamps")) server.kernel_timestamps = *times;
  read_store(context, table, directory, server);
  const TomlEntry* limits = table.table("limits");
  const TomlEntry* timeouts = table.table("timeouts");
  const TomlEntry* websocket = table.table("websocket");
  const TomlEntry* otlp = table.table("otlp");
  table.finish();
  if (limits != nullptr) defaults.body_bytes = read_limits(context, *limits, server.limits);
  if (timeouts != nullptr) read_timeouts(context, *timeouts, server.timeouts);
  if (websocket != nullptr) read_websocket(context, *websocket, server.websocket);
  if (otlp != nullptr) read_otlp(context, *otlp, server);
  return defaults;
}

void read_log(const ReaderContext& context, const TomlEntry& entry, ServerConfig& server) {
  TableReader table(context, entry.value.entries, "[log]");
  if (const TomlEntry* format = table.text("format", "\"text\"")) {
    if (const auto parsed = parse_log_format(format->value.string)) {
      server.log_format = *parsed;
    } else {
      context.not_one_of(*format, kLogFormats);
    }
  }
  if (const TomlEntry* level = table.text("level", "\"info\"")) {
    if (const auto parsed = parse_log_level(level->value.string)) {
      server.log_level = *parsed;
    } else {
      context.not_one_of(*level, kLogLevels);
    }
  }
  table.finish();
}

}  // namespace duet::config
