#include "host/config/toml_experiment.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>

#include "host/base/escape.h"
#include "host/base/service_url.h"
#include "host/config/suggest.h"
#include "host/config/text.h"
#include "host/config/toml_endpoints.h"
#include "host/config/toml_guardrails.h"
#include "host/config/toml_shadow.h"
#include "host/config/toml_words.h"
#include "host/config/values.h"

namespace duet::config {
namespace {

using Type = TomlValue::Type;

constexpr std::size_t kMostVariants = 16;
constexpr Nanos kDay = 24 * 3600 * kSecond;

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != kMarks.npos;
  });
}

class ExperimentReader {
 public:
  ExperimentReader(const ReaderContext& context, const std::vector<std::string>& broken,
                   const Handler& unnamed, Config& config)
      : context_(context), broken_(broken), unnamed_(unnamed), config_(config) {}

  std::vector<std::size_t> used;

  void read(const TomlValue& value) {
    Experiment one;
    TableReader table(context_, value.entries, "[[experiment]]", kExperimentWords);
    read_name(value, table, one);
    read_place(value, table, one);
    read_variants(value, table, one);
    read_key(value, table, one);
    read_times(table, one);
    read_eligibility(table, one);
    if (const TomlEntry* text = table.text("allow_override", "\"X-Duet-Variant\"")) {
      if (is_token(text->value.string)) {
        one.override_header = text->value.string;
      } else {
        error(text->value.place, in_quotes(text->value.string) + " is no name of a header",
              "write allow_override = \"X-Duet-Variant\"");
      }
    }
    read_guardrails(context_, table, one);
    read_webhook(context_, table, one);
    read_shadow(context_, table, config_.routes, one);
    table.finish();
    if (one.name.empty() || one.variants.size() < 2) return;  // said already
    config_.experiments.push_back(std::move(one));
  }

 private:
  void error(const Place& place, std::string message, std::string hint) {
    context_.error(place, std::move(message), std::move(hint));
  }

  bool good_name(const TomlEntry& entry, std::string_view what) {
    const std::string& text = entry.value.string;
    if (is_token(text) && text.size() <= kLongestName) return true;
    error(entry.value.place, in_quotes(text) + " is no name for " + std::string(what),
          "use 1 to 64 letters, digits, '_', '-' or '.'");
    return false;
  }

  void read_name(const TomlValue& value, TableReader& table, Experiment& one) {
    const TomlEntry* text = table.text("name", "\"country\"");
    if (text == nullptr) {
      if (value.find("name") == nullptr) {
        error(value.place, "[[experiment]] has no 'name'", "add name = \"country\"");
      }
      return;
    }
    if (!good_name(*text, "an experiment")) return;
    one.name = text->value.string;
    one.salt = one.name;
    for (const Experiment& other : config_.experiments) {
      if (other.name != one.name) continue;
      error(text->value.place, "two experiments are called " + in_quotes(one.name),
            "give each a name of its own");
    }
  }

  // --- where: routes, and an application's own ---

  void read_place(const TomlValue& value, TableReader& table, Experiment& one) {
    const TomlEntry* application = table.text("application", "\"NAME\" of a [handlers.NAME]");
    if (application != nullptr) one.application = find_handler(*application);
    const auto routes = table.texts("route", "\"/country/{code}\"");
    if (routes.empty() &&
        (value.find("route") == nullptr || value.find("route")->value.type == Type::kArray)) {
      error(value.place, "[[experiment]] has no 'route'",
            "add route = \"/country/{code}\", the path of one of the [[routes]]");
    }
    for (const TomlValue* route : routes) {
      one.routes.push_back(route->string);
      if (application != nullptr) {
        if (!route->string.starts_with('/')) {
          error(route->place, "the route " + in_quotes(route->string) + " does not begin with '/'",
                "write it as the application does");
        }
        continue;
      }
      find_routes(*route, one);
    }
  }

  // Several routes may have one path, with different methods.
  void find_routes(const TomlValue& value, Experiment& one) {
    std::vector<std::string_view> paths;
    bool found = false;
    for (std::size_t i = 0; i < config_.routes.size(); ++i) {
      paths.push_back(config_.routes[i].pattern);
      if (config_.routes[i].pattern != value.string) continue;
      found = true;
      for (const Experiment& other : config_.experiments) {
        const auto& theirs = other.route_indices;
        if (std::find(theirs.begin(), theirs.end(), i) == theirs.end()) continue;
        error(value.place,
              "the route " + in_quotes(value.string) + " is in the experiment " +
                  in_quotes(other.name) + " already",
              "a route can be in one experiment: give that one more variants");
        return;
      }
      one.route_indices.push_back(static_cast<std::uint32_t>(i));
    }
    if (found || !broken_.empty()) return;
    std::string hint = did_you_mean(value.string, paths);
    if (hint.empty() && !paths.empty()) hint = "paths of [[routes]] are " + one_of(paths);
    if (hint.empty()) hint = "add [[routes]] with this path";
    error(value.place, "there is no route " + in_quotes(value.string),
          hint + "; a route inside an application needs application = \"NAME\"");
  }

  std::optional<std::uint32_t> find_handler(const TomlEntry& entry) {
    const std::string& name = entry.value.string;
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < config_.handlers.size(); ++i) {
      names.push_back(config_.handlers[i].name);
      if (config_.handlers[i].name == name) return static_cast<std::uint32_t>(i);
    }
    if (std::find(broken_.begin(), broken_.end(), name) != broken_.end()) return std::nullopt;
    std::string hint = did_you_mean(name, names);
    if (hint.empty() && !names.empty()) hint = "handlers are " + one_of(names);
    if (hint.empty()) hint = "add [handlers." + printable(name) + "] with a source";
    error(entry.value.place, "there is no handler " + in_quotes(name), std::move(hint));
    return std::nullopt;
  }

  // --- variants ---

  void read_variants(const TomlValue& value, TableReader& table, Experiment& one) {
    const TomlEntry* entry = table.take("variants");
    if (entry == nullptr || entry->value.type != Type::kArray || entry->value.items.empty() ||
        entry->value.items.front().type != Type::kTable) {
      error(entry == nullptr ? value.place : entry->value.place, "[[experiment]] has no variants",
            "write [[experiment.variants]] with handler = \"NAME\", once for each; the first is "
            "the control");
      return;
    }
    bool complete = true;
    for (const TomlValue& item : entry->value.items) {
      if (item.type == Type::kTable) {
        complete = read_variant(item, one) && complete;
      } else {
        error(item.place,
              "a variant must be a table, not " + std::string(toml_type_name(item.type)),
              "write [[experiment.variants]] once for each");
        complete = false;
      }
    }
    read_control(table, one, complete);
    read_aa(table, one);
    if (!complete) return one.variants.clear();
    const Place& place = entry->value.items.front().place;
    if (one.variants.size() < 2) {
      error(place, "an experiment has at least two variants",
            "add another [[experiment.variants]]");
    } else if (one.variants.size() > kMostVariants) {
      error(place, "an experiment has at most " + std::to_string(kMostVariants) + " variants",
            "compare fewer at a time: evidence is divided among them");
    }
    double sum = 0;
    for (const Variant& variant : one.variants) sum += variant.weight;
    if (!(sum > 0)) {
      error(place, "the weights of " + in_quotes(one.name) + " add up to 0",
            "give at least one variant a weight above 0");
      one.variants.clear();
    }
  }

  bool read_variant(const TomlValue& value, Experiment& one) {
    Variant variant;
    TableReader table(context_, value.entries, "[[experiment.variants]]", kVariantWords);
    const TomlEntry* handler = table.text("handler", "\"NAME\" of a [handlers.NAME]");
    const TomlEntry* name = table.text("name", "\"python\"");
    const auto weight = read_number(context_, table, "weight", 0, 1e9, "1");
    bool fine = table_had(value, "weight", weight.has_value());
    table.finish();
    variant.weight = weight.value_or(1);
    if (handler == nullptr) {
      if (value.find("handler") == nullptr) {
        error(value.place, "[[experiment.variants]] has no 'handler'",
              "add handler = \"NAME\" of a [handlers.NAME], or \"http://host:port/prefix\"");
      }
      return false;
    }
    const bool elsewhere = ServiceUrl::looks_like(handler->value.string);
    const auto index = elsewhere ? service(*handler) : find_handler(*handler);
    if (!index) return false;
    variant.handler = *index;
    used.push_back(*index);
    if (name == nullptr && value.find("name") != nullptr) return false;
    if (name == nullptr && elsewhere) {
      error(handler->value.place, "a variant that is a service elsewhere needs a 'name'",
            "add name = \"go\", for example");
      return false;
    }
    variant.name = name != nullptr ? name->value.string : handler->value.string;
    const TomlEntry& named = name != nullptr ? *name : *handler;
    if (!good_name(named, "a variant")) return false;
    for (const Variant& other : one.variants) {
      if (other.name != variant.name) continue;
      error(named.value.place, "two variants are called " + in_quotes(variant.name),
            "give one a 'name' of its own");
      fine = false;
    }
    one.variants.push_back(std::move(variant));
    return fine;
  }

  // The handler of that URL: the one that is there, or a new one.
  std::optional<std::uint32_t> service(const TomlEntry& entry) {
    const auto url = ServiceUrl::parse(entry.value.string);
    if (!url) {
      context_.error(entry.value.place, url.error());
      return std::nullopt;
    }
    Handler handler = unnamed_;
    handler.name = handler.source = url->text();
    handler.language = Language::kHttp;
    if (handler.name.size() > kLongestName) {
      error(entry.value.place, "the URL is too long for the name of a handler",
            "write [handlers.NAME] with source = this URL, and handler = \"NAME\" here");
      return std::nullopt;
    }
    for (std::size_t i = 0; i < config_.handlers.size(); ++i) {
      if (config_.handlers[i].name == handler.name) return static_cast<std::uint32_t>(i);
    }
    config_.handlers.push_back(std::move(handler));
    return static_cast<std::uint32_t>(config_.handlers.size() - 1);
  }

  static bool table_had(const TomlValue& value, std::string_view key, bool read) {
    return value.find(key) == nullptr || read;
  }

  void read_control(TableReader& table, Experiment& one, bool complete) {
    const TomlEntry* text = table.text("control", "\"NAME\" of a variant");
    if (text == nullptr) return;
    std::vector<std::string_view> names;
    for (std::size_t v = 0; v < one.variants.size(); ++v) {
      names.push_back(one.variants[v].name);
      if (names.back() != text->value.string) continue;
      one.control = v;
      return;
    }
    if (!complete) return;
    std::string hint = did_you_mean(text->value.string, names);
    if (hint.empty()) hint = "variants are " + one_of(names);
    error(text->value.place, "there is no variant " + in_quotes(text->value.string),
          std::move(hint));
  }

  // aa = "10%": the control once more, with that share of all.
  void read_aa(TableReader& table, Experiment& one) {
    const auto share = read_share(context_, table, "aa", "\"10%\"");
    if (!share || one.variants.empty()) return;
    double sum = 0;
    for (const Variant& variant : one.variants) sum += variant.weight;
    if (*share <= 0 || *share >= 1) {
      error(table.take("aa")->value.place, "the A/A arm must have more than 0% and less than 100%",
            "write aa = \"10%\"");
      return;
    }
    Variant again = one.variants[one.control];
    again.name = "aa";
    again.weight = sum * *share / (1 - *share);
    again.aa = true;
    for (const Variant& variant : one.variants) {
      if (variant.name != "aa") continue;
      error(table.take("aa")->value.place, "a variant is called 'aa', as the A/A arm would be",
            "rename the variant");
    }
    one.variants.push_back(std::move(again));
  }

  // --- who ---

  void read_key(const TomlValue& value, TableReader& table, Experiment& one) {
    if (const TomlEntry* salt = table.text("salt", "\"country-2026\"")) {
      one.salt = salt->value.string;
    }
    const TomlEntry* cookie = table.table("cookie");
    const TomlEntry* text = table.text("key", "\"cookie:visitor\"");
    if (text == nullptr) {
      if (value.find("key") == nullptr) {
        error(value.place, "[[experiment]] has no 'key': what a request is assigned by",
              "add key = \"cookie:NAME\", \"header:NAME\", \"query:NAME\", \"address\", or "
              "\"random\" for a fresh one each request");
      }
      return;
    }
    const std::string& key = text->value.string;
    const std::size_t colon = key.find(':');
    const std::string_view kind = std::string_view(key).substr(0, colon);
    constexpr std::string_view kKinds[] = {"cookie", "header", "query", "address", "random"};
    const auto found = std::find(std::begin(kKinds), std::end(kKinds), kind);
    if (found == std::end(kKinds)) {
      std::string hint = did_you_mean(kind, kKinds);
      if (hint.empty())
        hint =
            "\"cookie:NAME\", \"header:NAME\", \"query:NAME\", \"address\" or "
            "\"random\"";
      return error(text->value.place, in_quotes(key) + " is no 'key'", std::move(hint));
    }
    one.key = static_cast<KeySource>(found - std::begin(kKinds));
    const bool named = one.key <= KeySource::kQuery;
    if (colon != key.npos) one.key_name = key.substr(colon + 1);
    if (named != !one.key_name.empty() || (named && !is_token(one.key_name))) {
      error(text->value.place,
            in_quotes(key) + (named ? " names no " : " takes no name: ") +
                (named ? std::string(kind) : "there is only one"),
            named ? "write key = \"" + std::string(kind) + ":NAME\""
                  : "write key = \"" + std::string(kind) + "\"");
    }
    if (cookie == nullptr) return;
    if (one.key != KeySource::kCookie) {
      return error(cookie->place, "'cookie' is for experiments whose key is a cookie",
                   "write key = \"cookie:duet_visitor\", or remove [experiment.cookie]");
    }
    read_cookie(*cookie, one);
  }

  void read_cookie(const TomlEntry& entry, Experiment& one) {
    VisitorCookie cookie;
    TableReader table(context_, entry.value.entries, "[experiment.cookie]", kCookieWords);
    if (const TomlEntry* text = table.text("same_site", "\"Lax\"")) {
      constexpr std::string_view kWords[] = {"Lax", "Strict", "None"};
      const auto found = std::find(std::begin(kWords), std::end(kWords), text->value.string);
      if (found == std::end(kWords)) {
        std::string hint = did_you_mean(text->value.string, kWords);
        if (hint.empty()) hint = "one of " + one_of(kWords);
        error(text->value.place, in_quotes(text->value.string) + " is no 'same_site'",
              std::move(hint));
      } else {
        cookie.same_site = static_cast<VisitorCookie::SameSite>(found - std::begin(kWords));
      }
    }
    if (const auto flag = table.flag("secure")) cookie.secure = *flag;
    if (const auto flag = table.flag("http_only")) cookie.http_only = *flag;
    if (const auto age = table.duration("max_age", kSecond, 365 * kDay, true)) {
      cookie.max_age = *age;
    }
    table.finish();
    if (cookie.same_site == VisitorCookie::SameSite::kNone && !cookie.secure) {
      error(entry.place, "browsers drop a cookie with same_site = \"None\" that is not secure",
            "write secure = true, or same_site = \"Lax\"");
    }
    one.cookie = cookie;
  }

  void read_times(TableReader& table, Experiment& one) {
    one.start = read_instant(table, "start");
    one.end = read_instant(table, "end");
    if (one.start && one.end && !(*one.start < *one.end)) {
      error(table.take("end")->value.place, "'end' is not after 'start'", "give a later one");
    }
  }

  std::optional<double> read_instant(TableReader& table, std::string_view key) {
    const TomlEntry* entry = table.take(key);
    if (entry == nullptr) return std::nullopt;
    if (entry->value.type == Type::kDate && entry->value.boolean) return entry->value.floating;
    error(entry->value.place,
          in_quotes(key) + (entry->value.type == Type::kDate
                                ? " does not say where on Earth it is that time"
                                : " must be a date and time, not " +
                                      std::string(toml_type_name(entry->value.type))),
          "write " + std::string(key) +
              " = 2026-12-01T08:00:00Z, without quotes, with Z or an "
              "offset such as +01:00");
    return std::nullopt;
  }

  void read_eligibility(TableReader& table, Experiment& one) {
    if (const auto share = read_share(context_, table, "holdout", "\"5%\"")) one.holdout = *share;
    const TomlEntry* entry = table.table("eligible");
    if (entry == nullptr) return;
    TableReader inner(context_, entry->value.entries, "[experiment.eligible]", kEligibleWords);
    for (const TomlValue* method : inner.texts("methods", "[\"GET\"]")) {
      const std::string& text = method->string;
      if (std::find(std::begin(kMethods), std::end(kMethods), text) != std::end(kMethods)) {
        one.methods.push_back(text);
        continue;
      }
      std::string hint = did_you_mean(text, kMethods);
      if (hint.empty()) hint = "such as GET, POST, PUT, DELETE, PATCH";
      error(method->place, in_quotes(text) + " is no method that HTTP/1.1 parsers know",
            std::move(hint));
    }
    if (const TomlEntry* text = inner.text("header", "\"X-Beta: yes\"")) {
      const std::string& header = text->value.string;
      const std::size_t colon = header.find(':');
      one.header = header.substr(0, colon);
      if (colon != header.npos) {
        const std::size_t begin = header.find_first_not_of(' ', colon + 1);
        if (begin != header.npos) one.header_value = header.substr(begin);
      }
      if (!is_token(one.header)) {
        error(text->value.place, in_quotes(one.header) + " is no name of a header",
              "write header = \"X-Beta\" for any value, \"X-Beta: yes\" for one");
      }
    }
    if (const auto share = read_share(context_, inner, "percentage", "\"50%\"")) {
      one.eligible = *share;
    }
    inner.finish();
  }

  const ReaderContext& context_;
  const std::vector<std::string>& broken_;
  const Handler& unnamed_;
  Config& config_;
};

}  // namespace

std::vector<std::size_t> read_experiments(const ReaderContext& context, const TomlEntry& entry,
                                          const std::vector<std::string>& broken,
                                          const Handler& unnamed, Config& config) {
  if (entry.value.type != Type::kArray) {
    context.error(entry.place, "experiments are a list of tables",
                  "write [[experiment]] with double brackets, once for each");
    return {};
  }
  ExperimentReader reader(context, broken, unnamed, config);
  for (const TomlValue& item : entry.value.items) {
    if (item.type == Type::kTable) {
      reader.read(item);
    } else {
      context.error(item.place,
                    "an experiment must be a table, not " + std::string(toml_type_name(item.type)),
                    "write [[experiment]] once for each");
    }
  }
  return std::move(reader.used);
}

void read_store(const ReaderContext& context, TableReader& table, const std::string& directory,
                ServerConfig& server) {
  namespace fs = std::filesystem;
  const TomlEntry* text = table.text("store", "\"duet.db\", or \"off\"");
  if (text == nullptr) return;
  const std::string& value = text->value.string;
  server.store.clear();
  if (value == "off") return;
  const fs::path path = (fs::path(directory) / value).lexically_normal();
  std::error_code ignored;
  if (value.empty() || !path.has_filename() || fs::is_directory(path, ignored)) {
    context.error(text->value.place, "'store' is a file, and " + in_quotes(value) + " is none",
                  "write store = \"duet.db\", or \"off\"");
  } else if (!fs::is_directory(path.parent_path(), ignored)) {
    context.error(text->value.place, "there is no folder " + in_quotes(path.parent_path().string()),
                  "make it, or name a file elsewhere");
  } else {
    server.store = path.string();
  }
}

}  // namespace duet::config
