#include "host/config/load.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <utility>

#include "host/base/escape.h"
#include "host/config/dotenv.h"
#include "host/config/source.h"
#include "host/config/suggest.h"
#include "host/config/values.h"

namespace duet::config {
namespace fs = std::filesystem;
namespace {

// Far more than anybody writes by hand; keeps a wrong path (a log, a database) from being read in.
constexpr std::size_t kLargestFile = 1024 * 1024;
// Where a host listens when nobody says: not reachable from other machines.
constexpr std::uint16_t kDefaultPort = 8000;
constexpr std::uint16_t kDefaultAdminPort = 9000;

bool is_regular_file(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// In a pattern of the router, '{' and '*' mean something, '%' begins an escape, and what cannot
// occur in a path is refused.
std::string as_pattern(std::string_view name) {
  std::string pattern;
  char escape[4];
  for (const char c : name) {
    if (c == '{' || c == '}' || c == '*' || c == '%' || c == '/' || c == '?' || c == '#' ||
        static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
      std::snprintf(escape, sizeof escape, "%%%02X", static_cast<unsigned>(c));
      pattern += escape;
    } else {
      pattern += c;
    }
  }
  return pattern;
}

class Loader {
 public:
  Loader(const LoadRequest& request, const LoadContext& context, Diagnostics& diagnostics)
      : request_(request), context_(context), diagnostics_(diagnostics) {}

  Config load() {
    read_defaults();
    choose_sources();
    read_environment_files();
    apply_port();
    apply_options();
    fill_in();
    diagnostics_.sort();
    return std::move(config_);
  }

 private:
  // A mistake in an option's value: "--deadline: '2' has no unit (…)".
  void option_error(std::string_view option, const Error& error) {
    diagnostics_.error(std::string(option) + ": " + error.message, error.hint);
  }

  std::string absolute(std::string_view path) const {
    return (fs::path(context_.directory) / fs::path(path)).lexically_normal().string();
  }

  void read_defaults() {
    if (request_.deadline) {
      const Result<Nanos> deadline = parse_duration(*request_.deadline);
      if (!deadline) {
        option_error("--deadline", deadline.error());
      } else if (*deadline != 0 && *deadline < kMillisecond) {
        option_error(
            "--deadline",
            {*request_.deadline + " is too short", {}, "the least is 1ms; \"off\" for none", {}});
      } else {
        defaults_.deadline = *deadline;
      }
    }
    if (request_.body_limit) {
      const Result<std::uint64_t> limit = parse_size(*request_.body_limit);
      if (limit) {
        defaults_.body_bytes = *limit;
      } else {
        option_error("--body-limit", limit.error());
      }
    }
  }

  // --- what to serve ---

  void choose_sources() {
    if (request_.sources.empty()) {
      std::error_code ignored;
      if (fs::exists(absolute("duet.toml"), ignored)) return read_toml("duet.toml");
      return nothing_to_serve();
    }
    std::vector<std::string> configurations;
    for (const std::string& source : request_.sources) {
      if (source.ends_with(".toml")) configurations.push_back(source);
    }
    if (configurations.empty()) return serve_files();
    if (request_.sources.size() == 1) return read_toml(configurations[0]);
    if (configurations.size() > 1) {
      diagnostics_.error("only one configuration can be served: " + printable(configurations[0]) +
                             " and " + printable(configurations[1]) + " were given",
                         "put all handlers into one of them, or start a host for each");
    } else {
      diagnostics_.error(
          "a configuration and other sources cannot be served together",
          "add the others to " + printable(configurations[0]) + " as [handlers.NAME]");
    }
  }

  void nothing_to_serve() {
    std::string hint = "name one: duet serve hello.mjs, or write a duet.toml";
    std::error_code error;
    std::vector<std::string> found;
    for (fs::directory_iterator it(context_.directory, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (!name.starts_with('.') && (language_of_file(name) || name.ends_with(".toml"))) {
        found.push_back(name);
      }
      if (found.size() >= 100) break;
    }
    std::sort(found.begin(), found.end());
    if (!found.empty()) hint = "did you mean: duet serve " + printable(found.front()) + "?";
    diagnostics_.error("nothing to serve: there is no duet.toml here, and no file was named", hint);
  }

  void read_toml(const std::string& given) {
    const std::string path = absolute(given);
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
      const std::string similar = similar_file(path);
      diagnostics_.error("'" + printable(given) + "': no such file",
                         similar.empty()
                             ? "looked for " + printable(path)
                             : "did you mean '" +
                                   printable((fs::path(given).parent_path() / similar).string()) +
                                   "'?");
      return;
    }
    if (fs::is_directory(path, ignored)) {
      diagnostics_.error("'" + printable(given) + "' is a directory", "name a file in it");
      return;
    }
    const Result<std::string> text = read_file(path, kLargestFile);
    if (!text) return diagnostics_.error(text.error().message, text.error().hint);
    const TomlFile file{given, fs::path(path).parent_path().string()};
    TomlConfig read = read_toml_config(*text, file, defaults_, context_.rules, diagnostics_);
    config_ = std::move(read.config);
    config_.file = path;
    env_file_ = std::move(read.env_file);
    env_file_place_ = read.env_file_place;
    shown_ = given;
  }

  void serve_files() {
    const bool alone = request_.sources.size() == 1;
    for (const std::string& given : request_.sources) {
      Result<Source> source = resolve_source(given, context_.directory);
      if (!source) {
        diagnostics_.error(source.error().message, source.error().hint);
        continue;
      }
      if (!alone && source->language == Language::kHttp) {
        diagnostics_.error(
            "'" + printable(given) + "' is a service elsewhere: its paths are unknown",
            "serve it alone, or give it routes in a duet.toml");
        continue;
      }
      Handler handler;
      const bool is_file = source->source.starts_with('/');
      handler.name = is_file ? fs::path(source->source).filename().string() : source->source;
      handler.source = std::move(source->source);
      handler.root = std::move(source->root);
      handler.language = source->language;
      handler.deadline = defaults_.deadline.value_or(handler.deadline);
      handler.body_limit =
          static_cast<std::size_t>(defaults_.body_bytes.value_or(config_.server.limits.body_bytes));
      const auto index = static_cast<std::uint32_t>(config_.handlers.size());
      const Handler* same = handler_called(handler.name);
      if (same != nullptr) {
        diagnostics_.error(
            same->source == handler.source ? "'" + printable(given) + "' is named twice"
                                           : "two files are called '" + printable(handler.name) +
                                                 "': each is served under its name",
            same->source == handler.source ? "name it once"
                                           : "rename one, or give them routes in a duet.toml");
        continue;
      }
      handler.default_body_limit = !defaults_.body_bytes;
      const std::string at = alone ? "" : "/" + as_pattern(handler.name);
      if (!alone) handler.root_path = "/" + handler.name;  // an application's routes are below it
      if (!alone) add_route(at, index);
      add_route(at + "/*", index);
      config_.handlers.push_back(std::move(handler));
    }
  }

  const Handler* handler_called(const std::string& name) const {
    for (const Handler& handler : config_.handlers) {
      if (handler.name == name) return &handler;
    }
    return nullptr;
  }

  void add_route(const std::string& pattern, std::uint32_t handler) {
    if (context_.rules.add) {
      const Result<void> added = context_.rules.add({}, pattern, handler);
      if (!added) diagnostics_.error(added.error().message, added.error().hint);
    }
    config_.routes.push_back({pattern, {}, handler});
  }

  // --- the environment ---

  void read_environment_files() {
    if (!request_.env_files.empty()) {
      for (const std::string& given : request_.env_files) {
        const Result<std::string> text = read_file(absolute(given), kLargestFile);
        if (text) {
          take_variables(*text, given, true);
        } else {
          option_error("--env-file", text.error());
        }
      }
    } else if (env_file_) {
      const fs::path path = fs::path(config_.file).parent_path() / *env_file_;
      const Result<std::string> text = read_file(path.string(), kLargestFile);
      if (text) {
        take_variables(*text, *env_file_, true);
      } else {
        diagnostics_.add({Severity::kError, shown_, env_file_place_, text.error().message,
                          "create it, or remove the line"});
      }
    } else {
      read_files_nearby();
    }
  }

  void read_files_nearby() {
    std::vector<std::string> directories;
    const auto add = [&](const std::string& directory) {
      if (std::find(directories.begin(), directories.end(), directory) == directories.end()) {
        directories.push_back(directory);
      }
    };
    if (!config_.file.empty()) {
      add(fs::path(config_.file).parent_path().string());
    } else {
      for (const Handler& handler : config_.handlers) add(handler.root);
    }
    add(fs::path(context_.directory).lexically_normal().string());
    for (const std::string& directory : directories) {
      const std::string path = (fs::path(directory) / ".env").string();
      if (!is_regular_file(path)) continue;  // ".env" may be a virtual environment's directory
      const Result<std::string> text = read_file(path, kLargestFile);
      std::string shown = fs::path(path).lexically_relative(context_.directory).string();
      if (shown.starts_with("..")) shown = path;
      if (text) {
        take_variables(*text, shown, false);
      } else {
        diagnostics_.add({Severity::kWarning, shown, {}, text.error().message, ""});
      }
    }
  }

  void take_variables(const std::string& text, const std::string& shown, bool overrule) {
    diagnostics_.add_source(shown, text);
    for (DotenvEntry& entry : parse_dotenv(text, shown, diagnostics_)) {
      if (context_.variable && context_.variable(entry.name)) continue;
      const auto known = std::find_if(variables_.begin(), variables_.end(),
                                      [&](const DotenvEntry& e) { return e.name == entry.name; });
      if (known == variables_.end()) {
        variables_.push_back(std::move(entry));
      } else if (overrule) {
        *known = std::move(entry);
      }
    }
  }

  // A hosting platform says the port by PORT and reaches it from outside: every interface then.
  void apply_port() {
    std::optional<std::string> text;
    if (context_.variable) text = context_.variable("PORT");
    const DotenvEntry* entry = nullptr;
    for (const DotenvEntry& variable : variables_) {
      if (!text && variable.name == "PORT") entry = &variable;
    }
    if (entry != nullptr) text = entry->value;
    if (!text || text->empty() || !request_.listen.empty()) return;

    std::uint16_t port = 0;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), port);
    if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size()) {
      const std::string message = "PORT is '" + printable(*text) + "', which is no port";
      const std::string hint = "0 to 65535; --listen ADDRESS takes precedence over it";
      if (entry == nullptr) return diagnostics_.error(message, hint);
      diagnostics_.add({Severity::kError, entry->file, entry->place, message, hint});
      return;
    }
    const bool overrules = !config_.server.listen.empty();
    config_.server.listen = {Address{"0.0.0.0", port, {}}};
    config_.notes.push_back("PORT=" + *text + (entry == nullptr ? "" : " of " + entry->file) +
                            ": listening on 0.0.0.0:" + *text +
                            (overrules ? " instead of the addresses of " + shown_ : ""));
  }

  // --- options ---

  void apply_options() {
    ServerConfig& server = config_.server;
    if (!request_.listen.empty()) server.listen.clear();
    for (const std::string& text : request_.listen) {
      Result<Address> address = parse_address(text, context_.directory);
      if (!address) {
        option_error("--listen", address.error());
        continue;
      }
      const bool fixed = address->is_unix() || address->port != 0;
      if (fixed &&
          std::find(server.listen.begin(), server.listen.end(), *address) != server.listen.end()) {
        option_error("--listen",
                     {address->to_string() + " is given twice", {}, "give it once", {}});
        continue;
      }
      server.listen.push_back(std::move(*address));
    }
    if (request_.admin) {
      server.admin.clear();
      server.admin_is_default = false;
      if (*request_.admin != "off") {
        Result<Address> address = parse_address(*request_.admin, context_.directory);
        if (address) {
          server.admin.push_back(std::move(*address));
        } else {
          if (address.error().hint.empty())
            address = Error{address.error().message, {}, "or \"off\"", {}};
          option_error("--admin", address.error());
        }
      }
    }
    if (request_.dev) server.dev = true;
    if (defaults_.body_bytes)
      server.limits.body_bytes = static_cast<std::size_t>(*defaults_.body_bytes);
    choose_word("--log-format", request_.log_format, kLogFormats, parse_log_format,
                server.log_format);
    choose_word("--log-level", request_.log_level, kLogLevels, parse_log_level, server.log_level);
  }

  template <class T>
  void choose_word(std::string_view option, const std::optional<std::string>& text,
                   std::span<const std::string_view> words,
                   std::optional<T> (*parse)(std::string_view), T& value) {
    if (!text) return;
    if (const std::optional<T> parsed = parse(*text)) {
      value = *parsed;
      return;
    }
    std::string hint = did_you_mean(*text, words);
    if (hint.empty()) hint = "one of " + one_of(words);
    option_error(option, {"'" + printable(*text) + "' is none of its values", {}, hint, {}});
  }

  // --- defaults, and what only the whole shows ---

  void fill_in() {
    ServerConfig& server = config_.server;
    if (server.listen.empty()) server.listen = {Address{"127.0.0.1", kDefaultPort, {}}};
    if (server.admin_is_default) server.admin = {Address{"127.0.0.1", kDefaultAdminPort, {}}};
    for (const Address& admin : server.admin) {
      const bool fixed = admin.is_unix() || admin.port != 0;
      if (!fixed ||
          std::find(server.listen.begin(), server.listen.end(), admin) == server.listen.end()) {
        continue;
      }
      if (server.admin_is_default) {
        server.admin = {Address{"127.0.0.1", 0, {}}};
      } else {
        diagnostics_.error("the admin address " + admin.to_string() + " is also one to listen on",
                           "give it a port of its own, or turn it off: --admin off");
      }
      break;
    }
    for (DotenvEntry& variable : variables_) {
      config_.environment.emplace_back(std::move(variable.name), std::move(variable.value));
    }
  }

  const LoadRequest& request_;
  const LoadContext& context_;
  Diagnostics& diagnostics_;
  Defaults defaults_;
  Config config_;
  std::string shown_;  // duet.toml's name in diagnostics
  std::optional<std::string> env_file_;
  Place env_file_place_;
  std::vector<DotenvEntry> variables_;
};

}  // namespace

Config load(const LoadRequest& request, const LoadContext& context, Diagnostics& diagnostics) {
  return Loader(request, context, diagnostics).load();
}

}  // namespace duet::config
