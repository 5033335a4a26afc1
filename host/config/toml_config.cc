#include "host/config/toml_config.h"

#include <algorithm>
#include <charconv>

#include "host/base/escape.h"
#include "host/config/dotenv.h"
#include "host/config/route_shape.h"
#include "host/config/source.h"
#include "host/config/suggest.h"
#include "host/config/table_reader.h"
#include "host/config/text.h"
#include "host/config/toml_experiment.h"
#include "host/config/toml_handler.h"
#include "host/config/toml_server.h"
#include "host/config/toml_tree.h"
#include "host/config/toml_words.h"
#include "host/config/values.h"

namespace duet::config {
namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

class ConfigReader {
 public:
  ConfigReader(const TomlFile& file, const Defaults& defaults, const RouteRules& rules,
               Diagnostics& diagnostics)
      : file_(file), defaults_(defaults), rules_(rules), context_{file.shown, diagnostics} {}

  TomlConfig read(const TomlTree& tree) {
    incomplete_ = tree.incomplete;
    server().store = file_.directory + "/" + kDefaultStore;
    TableReader root(context_, tree.root.entries, "", kRootWords);
    const TomlEntry* server = root.table("server");
    const TomlEntry* log = root.table("log");
    const TomlEntry* handlers = root.table("handlers");
    const TomlEntry* routes = root.take("routes");
    const TomlEntry* experiments = root.take("experiment");
    root.finish();

    if (server != nullptr) {
      in_file_ = read_server(context_, *server, file_.directory, result_);
    }
    if (log != nullptr) read_log(context_, *log, result_.config.server);
    if (handlers != nullptr) read_handlers(*handlers);
    if (routes != nullptr) read_routes(*routes);
    if (experiments != nullptr && !incomplete_) {
      const std::size_t before = context_.diagnostics.errors();
      const auto variants =
          read_experiments(context_, *experiments, broken_handlers_, unnamed(), result_.config);
      used_.insert(used_.end(), variants.begin(), variants.end());
      broken_routes_ = broken_routes_ || context_.diagnostics.errors() > before;
    }
    if (!incomplete_) check_completeness(handlers, routes);
    return std::move(result_);
  }

 private:
  ServerConfig& server() { return result_.config.server; }

  // --- [handlers.NAME] ---

  void read_handlers(const TomlEntry& all) {
    for (const TomlEntry& entry : all.value.entries) {
      if (entry.value.type != TomlValue::Type::kTable) {
        context_.error(entry.value.place,
                       "the handler " + in_quotes(entry.key) + " must be a table, not " +
                           std::string(toml_type_name(entry.value.type)),
                       "write [handlers." + printable(entry.key) + "] and source = \"…\" below it");
        broken_handlers_.push_back(entry.key);
        continue;
      }
      read_handler(entry);
    }
  }

  void read_handler(const TomlEntry& entry) {
    Handler handler;
    handler.name = entry.key;
    handler_places_.push_back(entry.place);
    if (entry.key.empty() || entry.key.size() > kLongestName || printable(entry.key) != entry.key) {
      context_.error(entry.place, in_quotes(entry.key) + " is no name for a handler",
                     "use 1 to 64 printable characters");
    }
    TableReader table(context_, entry.value.entries, "[handlers." + entry.key + "]", kHandlerWords);
    std::optional<Language> language;
    if (const TomlEntry* text = table.text("language", "\"python\""))
      language = read_language(*text);
    read_source(table, entry, language, handler);
    if (const TomlEntry* root = table.text("root", "\".\"")) read_root(*root, handler);
    if (const TomlEntry* env = table.table("env")) read_env(*env, handler);

    const auto deadline = table.duration("deadline", kShortestTime, kLongestTime, true);
    handler.deadline =
        deadline ? *deadline
                 : defaults_.deadline.value_or(in_file_.deadline.value_or(handler.deadline));
    const TomlEntry* blocking = entry.value.find("blocking");
    if (const auto flag = table.flag("blocking")) handler.blocking = *flag;
    if (handler.blocking && handler.language != Language::kPython) {
      context_.error(blocking->value.place, "'blocking' is for Python handlers only",
                     handler.language == Language::kJavaScript
                         ? "remove it: JavaScript moves work off the loop by a Worker"
                         : "remove it");
    }
    read_application(context_, table, handler);
    read_service(context_, table, entry, handler);
    const auto limit = table.size("body_limit", 0, kMebi * kMebi);
    handler.default_body_limit = !limit && !defaults_.body_bytes && !in_file_.body_bytes;
    handler.body_limit = static_cast<std::size_t>(limit ? *limit : default_body_limit());
    table.finish();
    result_.config.handlers.push_back(std::move(handler));
  }

  // One that only an experiment names, by its URL.
  Handler unnamed() {
    Handler handler;
    handler.deadline = defaults_.deadline.value_or(in_file_.deadline.value_or(handler.deadline));
    handler.body_limit = static_cast<std::size_t>(default_body_limit());
    handler.default_body_limit = !defaults_.body_bytes && !in_file_.body_bytes;
    return handler;
  }

  std::uint64_t default_body_limit() {
    return defaults_.body_bytes.value_or(in_file_.body_bytes.value_or(server().limits.body_bytes));
  }

  std::optional<Language> read_language(const TomlEntry& entry) {
    constexpr std::string_view kLanguages[] = {"javascript", "python", "native"};
    const std::string& text = entry.value.string;
    for (int i = 0; i < 3; ++i) {
      if (text == kLanguages[i]) return static_cast<Language>(i);
    }
    for (const Synonym& synonym : kLanguageWords) {
      if (text != synonym.word) continue;
      context_.error(entry.value.place, in_quotes(text) + " is no 'language'",
                     "did you mean '" + std::string(synonym.key) + "'?");
      return std::nullopt;
    }
    context_.not_one_of(entry, kLanguages);
    return std::nullopt;
  }

  void read_source(TableReader& table, const TomlEntry& entry, std::optional<Language> language,
                   Handler& handler) {
    const TomlEntry* source = table.text("source", "\"hello.mjs\"");
    if (source == nullptr) {
      if (entry.value.find("source") == nullptr && !incomplete_) {
        context_.error(entry.place, table.name() + " has no 'source'",
                       "add source = \"hello.mjs\" or source = \"module:attribute\"");
      }
      return;
    }
    Result<Source> resolved = resolve_source(source->value.string, file_.directory, language);
    if (!resolved) return context_.error(source->value.place, resolved.error());
    handler.source = resolved->source;
    handler.root = resolved->root;
    handler.language = resolved->language;
  }

  void read_root(const TomlEntry& entry, Handler& handler) {
    const Result<std::string> root = resolve_directory(entry.value.string, file_.directory);
    if (!root) return context_.error(entry.value.place, root.error());
    handler.root = root.value();
  }

  void read_env(const TomlEntry& env, Handler& handler) {
    for (const TomlEntry& variable : env.value.entries) {
      const TomlValue& value = variable.value;
      if (!is_variable_name(variable.key)) {
        context_.error(variable.place, in_quotes(variable.key) + " is no name for a variable",
                       "use letters, digits and '_', and no digit first");
      } else if (value.type != TomlValue::Type::kString) {
        context_.error(value.place,
                       "the variable " + in_quotes(variable.key) + " must be text, not " +
                           std::string(toml_type_name(value.type)),
                       "variables are text in every language: put the value in quotes");
      } else if (value.string.find('\0') != std::string::npos) {
        context_.error(value.place, "a variable cannot hold a NUL character", "remove it");
      } else {
        handler.env.emplace_back(variable.key, value.string);
      }
    }
  }

  // --- [[routes]] ---

  void read_routes(const TomlEntry& entry) {
    using Type = TomlValue::Type;
    if (entry.value.type == Type::kTable) {
      context_.error(entry.place, "routes are a list of tables",
                     "write [[routes]] with double brackets, once for each route");
      broken_routes_ = true;
      return;
    }
    if (entry.value.type != Type::kArray) {
      context_.error(
          entry.value.place,
          "'routes' must be a list of tables, not " + std::string(toml_type_name(entry.value.type)),
          "write [[routes]] once for each route");
      broken_routes_ = true;
      return;
    }
    for (const TomlValue& item : entry.value.items) {
      if (item.type == Type::kTable) {
        read_route(item);
      } else {
        context_.error(item.place,
                       "a route must be a table, not " + std::string(toml_type_name(item.type)),
                       "write [[routes]] once for each route");
        broken_routes_ = true;
      }
    }
  }

  void read_route(const TomlValue& value) {
    Route route;
    TableReader table(context_, value.entries, "[[routes]]", kRouteWords);
    const TomlEntry* path = table.text("path", "\"/hello/{name}\"");
    const std::size_t before = context_.diagnostics.errors();
    for (const TomlValue* method : table.texts("methods", "[\"GET\", \"POST\"]")) {
      read_method(*method, route);
    }
    const TomlEntry* methods = value.find("methods");
    if (methods != nullptr && methods->value.type == TomlValue::Type::kArray &&
        methods->value.items.empty()) {
      context_.error(methods->value.place, "'methods' is empty: the route would answer nothing",
                     "name methods, or remove the line for all of them");
    }
    const bool methods_fine = context_.diagnostics.errors() == before;
    const TomlEntry* handler = table.text("handler", "\"hello\"");
    table.finish();

    if (path == nullptr) missing(value, "path", "path = \"/hello/{name}\"");
    if (handler == nullptr) missing(value, "handler", "handler = \"NAME\" of a [handlers.NAME]");
    const bool known = handler != nullptr && find_handler(*handler, route);
    if (path == nullptr || !check_path(*path)) return;
    route.pattern = path->value.string;
    if (methods_fine) check_conflicts(*path, route);
    if (known) result_.config.routes.push_back(std::move(route));
  }

  void missing(const TomlValue& value, std::string_view key, std::string_view example) {
    if (value.find(key) != nullptr || incomplete_) return;  // it is of a wrong type: said already
    context_.error(value.place, "[[routes]] has no " + in_quotes(key),
                   "add " + std::string(example));
  }

  void read_method(const TomlValue& method, Route& route) {
    const std::string& text = method.string;
    const std::string wanted = upper(text);
    if (text == "*" || wanted == "ANY" || wanted == "ALL") {
      context_.error(method.place, in_quotes(text) + " is no method",
                     "remove 'methods': a route without it answers every method");
    } else if (std::find(std::begin(kMethods), std::end(kMethods), text) == std::end(kMethods)) {
      std::string hint = did_you_mean(wanted, kMethods);
      if (hint.empty()) hint = "such as GET, POST, PUT, DELETE, PATCH";
      context_.error(method.place, in_quotes(text) + " is no method that HTTP/1.1 parsers know",
                     std::move(hint));
    } else if (std::find(route.methods.begin(), route.methods.end(), text) != route.methods.end()) {
      context_.error(method.place, "the method " + text + " is listed twice", "remove one of them");
    } else {
      route.methods.push_back(text);
    }
  }

  bool find_handler(const TomlEntry& entry, Route& route) {
    const std::string& name = entry.value.string;
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < result_.config.handlers.size(); ++i) {
      const Handler& handler = result_.config.handlers[i];
      names.push_back(handler.name);
      if (handler.name != name) continue;
      route.handler = static_cast<std::uint32_t>(i);
      used_.push_back(i);
      return true;
    }
    broken_routes_ = true;
    const bool broken =
        std::find(broken_handlers_.begin(), broken_handlers_.end(), name) != broken_handlers_.end();
    if (broken || incomplete_) return false;
    std::string hint = did_you_mean(name, names);
    if (hint.empty() && !names.empty()) hint = "handlers are " + one_of(names);
    if (hint.empty()) hint = "add [handlers." + printable(name) + "] with a source";
    context_.error(entry.value.place, "there is no handler " + in_quotes(name), std::move(hint));
    return false;
  }

  // What can be said better here than by the router. False: an error, said.
  bool check_path(const TomlEntry& entry) {
    const std::string& path = entry.value.string;
    const Place& place = entry.value.place;
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!path.starts_with(scheme)) continue;
      const std::size_t slash = path.find('/', scheme.size());
      context_.error(
          place, "a route's path is not a URL",
          "write path = \"" + printable(slash == path.npos ? "/" : path.substr(slash)) + "\"");
      return false;
    }
    if (path.empty() || path.front() != '/') {
      context_.error(place, "the path " + in_quotes(path) + " does not begin with '/'",
                     "write path = \"/" + printable(path) + "\"");
      return false;
    }
    if (path.find_first_of("?#") != path.npos) {
      context_.error(place, "a route's path has no query and no fragment",
                     "write path = \"" + printable(path.substr(0, path.find_first_of("?#"))) +
                         "\" and read the query in the handler");
      return false;
    }
    const std::size_t express = path.find("/:");
    const std::size_t flask = path.find("/<");
    if (express != path.npos || flask != path.npos) {
      context_.warning(place, "the path " + in_quotes(path) + " has no parameters as it is written",
                       "a parameter is written {name}");
    }
    if (!rules_.check_pattern) return true;
    const Result<void> checked = rules_.check_pattern(path);
    if (checked) return true;
    context_.error(place_in(entry.value, checked.error().where), checked.error());
    return false;
  }

  // "column N" of the text of `value` as a place in the file; the whole value when it is written
  // with escapes, so that its columns are not the file's.
  static Place place_in(const TomlValue& value, std::string_view where) {
    constexpr std::string_view kColumn = "column ";
    std::size_t column = 0;
    if (!where.starts_with(kColumn)) return value.place;
    where.remove_prefix(kColumn.size());
    std::from_chars(where.data(), where.data() + where.size(), column);
    const bool plain = value.place.length == value.string.size() + 2;  // with its quotes
    if (!plain || column == 0 || column > value.string.size()) return value.place;
    return {value.place.line, value.place.column + column, 1};
  }

  void check_conflicts(const TomlEntry& path, const Route& route) {
    const std::string shape = shape_of(route.pattern);
    for (const Seen& seen : seen_) {
      if (seen.shape != shape) continue;
      const auto overlap = std::find_first_of(seen.methods.begin(), seen.methods.end(),
                                              route.methods.begin(), route.methods.end());
      const bool every = seen.methods.empty() && route.methods.empty();
      if (!every && overlap == seen.methods.end()) continue;
      context_.error(path.value.place,
                     "this route is equal to the one at line " + std::to_string(seen.place.line) +
                         (every ? "" : ", for " + *overlap),
                     "keep one of them, or give them different methods");
      return;
    }
    seen_.push_back({shape, route.methods, path.value.place});
    if (!rules_.add) return;
    const Result<void> added = rules_.add(route.methods, route.pattern, route.handler);
    if (!added) context_.error(path.value.place, added.error());
  }

  // --- the whole ---

  void check_completeness(const TomlEntry* handlers, const TomlEntry* routes) {
    const Config& config = result_.config;
    const Place top{1, 1, 1};
    if (handlers == nullptr || handlers->value.entries.empty()) {
      context_.error(handlers == nullptr ? top : handlers->place,
                     "there is no handler: nothing would be served",
                     "add [handlers.hello] with source = \"hello.mjs\"");
      return;
    }
    if (routes == nullptr) {
      const std::string name =
          config.handlers.empty() ? "NAME" : printable(config.handlers[0].name);
      context_.error(handlers->place, "there is no route: nothing would be served",
                     "add [[routes]] with path = \"/\" and handler = \"" + name + "\"");
      return;
    }
    if (broken_routes_) return;
    for (std::size_t i = 0; i < config.handlers.size(); ++i) {
      if (std::find(used_.begin(), used_.end(), i) != used_.end()) continue;
      context_.warning(
          handler_places_[i], "no route leads to the handler " + in_quotes(config.handlers[i].name),
          "add [[routes]] with handler = \"" + printable(config.handlers[i].name) + "\"");
    }
  }

  struct Seen {
    std::string shape;
    std::vector<std::string> methods;
    Place place;
  };

  const TomlFile& file_;
  const Defaults& defaults_;
  const RouteRules& rules_;
  ReaderContext context_;
  TomlConfig result_;
  Defaults in_file_;                          // as [server] has them
  std::vector<Place> handler_places_;         // as Config::handlers
  std::vector<std::string> broken_handlers_;  // named, but no table
  std::vector<std::size_t> used_;             // handlers that a route names
  std::vector<Seen> seen_;
  bool broken_routes_ = false;  // some lead nowhere: who is not reached is not known
  bool incomplete_ = false;
};

}  // namespace

TomlConfig read_toml_config(std::string_view text, const TomlFile& file, const Defaults& defaults,
                            const RouteRules& rules, Diagnostics& diagnostics) {
  diagnostics.add_source(file.shown, std::string(text));
  const TomlTree tree = parse_toml(text, file.shown, diagnostics);
  return ConfigReader(file, defaults, rules, diagnostics).read(tree);
}

}  // namespace duet::config
