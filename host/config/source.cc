#include "host/config/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "host/base/escape.h"
#include "host/base/executable.h"
#include "host/base/service_url.h"
#include "host/config/suggest.h"

namespace duet::config {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kKnownNames =
    "names of handlers end in .mjs, .js, .cjs, .ts, .py or .so";

struct Extension {
  std::string_view name;
  Language language;
};

constexpr Extension kExtensions[] = {
    {".mjs", Language::kJavaScript}, {".js", Language::kJavaScript},
    {".cjs", Language::kJavaScript}, {".ts", Language::kJavaScript},
    {".mts", Language::kJavaScript}, {".cts", Language::kJavaScript},
    {".py", Language::kPython},      {".so", Language::kNative},
};

bool is_dotted_name(std::string_view text) {
  bool begins = true;  // a name begins at the next character
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool letter = (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u == '_' || u >= 0x80;
    const bool digit = u >= '0' && u <= '9';
    if (c == '.') {
      if (begins) return false;
      begins = true;
    } else if (letter || (digit && !begins)) {
      begins = false;
    } else {
      return false;
    }
  }
  return !begins;
}

Error not_found(std::string_view text, const std::string& path, std::string_view what) {
  Error error{"'" + printable(text) + "': no such " + std::string(what), {}, {}, {}};
  std::error_code no_link;
  if (const fs::path target = fs::read_symlink(path, no_link); !no_link) {
    error.hint = "it is a symbolic link to '" + printable(target.string()) + "'";
    return error;
  }
  const std::string similar = similar_file(path);
  const std::size_t slash = text.rfind('/');
  const std::string shown =
      (slash == std::string_view::npos ? std::string() : std::string(text.substr(0, slash + 1))) +
      similar;
  if (!similar.empty()) {
    error.hint = "did you mean '" + printable(shown) + "'?";
  } else if (const fs::path parent = fs::path(path).parent_path(); !fs::exists(parent)) {
    error.hint = "the directory '" + printable(parent.string()) + "' does not exist";
  } else {
    error.hint = "looked for " + printable(path);
  }
  return error;
}

Error is_directory(std::string_view text, const std::string& path) {
  Error error{"'" + printable(text) + "' is a directory", {}, {}, {}};
  std::error_code ignored;
  if (fs::exists(fs::path(path) / "duet.toml", ignored)) {
    error.hint = "name its configuration: " + printable((fs::path(text) / "duet.toml").string());
    return error;
  }
  for (const char* name : {"index.mjs", "index.js", "index.ts", "main.py", "app.py"}) {
    if (!fs::exists(fs::path(path) / name, ignored)) continue;
    error.hint = "did you mean '" + printable((fs::path(text) / name).string()) + "'?";
    return error;
  }
  error.hint = "name the handler's file";
  return error;
}

// "sub/app.py:app": half a path, half a module.
Error mixed(std::string_view text) {
  const std::size_t end = text.rfind(".py:");
  std::string module(text.substr(0, end));
  std::replace(module.begin(), module.end(), '/', '.');
  while (module.starts_with('.')) module.erase(0, 1);
  return {"'" + printable(text) + "' mixes a file and an attribute",
          {},
          "write '" + printable(module) + ":" + printable(text.substr(end + 4)) +
              "' (module:attribute), or '" + printable(text.substr(0, end + 3)) + "'",
          {}};
}

std::string system_error(int code) { return std::strerror(code); }

}  // namespace

const std::string& shipped_plugins() {
  static const std::string path = module_directory() + "/plugins";
  return path;
}

bool is_module_attribute(std::string_view text) {
  if (text.ends_with("()")) text.remove_suffix(2);  // a factory
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && is_dotted_name(text.substr(0, colon)) &&
         is_dotted_name(text.substr(colon + 1));
}

std::optional<Language> language_of_file(std::string_view path) {
  for (const Extension& extension : kExtensions) {
    if (path.ends_with(extension.name)) return extension.language;
  }
  return std::nullopt;
}

std::string similar_file(const std::string& path) {
  // A folder of thousands of files is not searched to its end for the sake of a hint.
  constexpr std::size_t kMost = 2000;
  std::vector<std::string> names;
  std::error_code error;
  const fs::path wanted(path);
  for (fs::directory_iterator it(wanted.parent_path(), error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename().string());
    if (names.size() >= kMost) break;
  }
  std::sort(names.begin(), names.end());  // the hint does not depend on the file system's order
  // The same name with another ending first: hello.js for hello.mjs.
  for (const std::string& name : names) {
    if (fs::path(name).stem() == wanted.stem() && language_of_file(name).has_value()) return name;
  }
  const std::string name = wanted.filename().string();
  return std::string(nearest(name, names));
}

Result<Source> resolve_source(std::string_view text, const std::string& directory,
                              std::optional<Language> language) {
  if (text.empty()) return Error{"the source is empty", {}, "name a file or module:attribute", {}};
  if (text.find('\0') != std::string_view::npos) {
    return Error{"the source holds a NUL character", {}, "name a file or module:attribute", {}};
  }
  if (ServiceUrl::looks_like(text)) {
    auto url = ServiceUrl::parse(text);
    if (!url) return std::move(url).error();
    if (!language) return Source{url->text(), directory, Language::kHttp};
    return Error{"'" + printable(text) + "' is a service elsewhere: its language does not matter",
                 {},
                 "remove 'language'",
                 {}};
  }
  fs::path path(text);
  if (path.is_relative()) path = fs::path(directory) / path;
  path = path.lexically_normal();

  struct stat status {};
  if (text.ends_with(".so") && text.find('/') == std::string_view::npos &&
      stat(path.c_str(), &status) != 0) {
    const fs::path shipped = fs::path(shipped_plugins()) / text;
    if (stat(shipped.c_str(), &status) == 0) path = shipped;
  }
  if (stat(path.c_str(), &status) != 0) {
    const int code = errno;
    if (text.find(".py:") != std::string_view::npos) return mixed(text);
    if (is_module_attribute(text)) {
      if (language.value_or(Language::kPython) == Language::kPython) {
        return Source{std::string(text), directory, Language::kPython};
      }
      return Error{"'" + printable(text) + "' names an attribute of a Python module",
                   {},
                   "remove the language, or name a file",
                   {}};
    }
    if (code == ENOENT || code == ENOTDIR) return not_found(text, path.string(), "file");
    return Error{"'" + printable(text) + "' cannot be read: " + system_error(code), {}, {}, {}};
  }
  if (S_ISDIR(status.st_mode)) return is_directory(text, path.string());
  if (access(path.c_str(), R_OK) != 0) {
    return Error{"'" + printable(text) + "' cannot be read: " + system_error(errno),
                 {},
                 "check its permissions",
                 {}};
  }
  if (!language) language = language_of_file(path.string());
  if (!language) {
    Error error{"'" + printable(text) + "': its name does not tell a language",
                {},
                std::string(kKnownNames),
                {}};
    if (path.extension() == ".tsx" || path.extension() == ".jsx") {
      error.hint = "JSX must be compiled to .mjs first";
    } else if (path.extension() == ".toml") {
      error.hint = "a configuration is served by: duet serve " + printable(text);
    }
    return error;
  }
  return Source{path.string(), path.parent_path().string(), *language};
}

Result<std::string> resolve_directory(std::string_view text, const std::string& directory) {
  fs::path path(text.substr(0, text.find('\0')));
  if (path.is_relative()) path = fs::path(directory) / path;
  path = path.lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "dir/" is "dir"
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return not_found(text, path.string(), "directory");
    return Error{"'" + printable(text) + "' cannot be used: " + system_error(errno), {}, {}, {}};
  }
  if (!S_ISDIR(status.st_mode)) {
    return Error{"'" + printable(text) + "' is not a directory", {}, "name the one it lies in", {}};
  }
  return path.string();
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const auto failed = [&](const std::string& why) {
    return Error{"'" + printable(path) + "' cannot be read: " + why, {}, {}, {}};
  };
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed(system_error(errno));
  std::string text;
  std::array<char, 16384> bytes;
  for (;;) {
    const ssize_t n = ::read(file, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int code = errno;
      close(file);
      return failed(system_error(code));
    }
    if (n == 0) break;
    text.append(bytes.data(), static_cast<std::size_t>(n));
    if (text.size() > limit) {
      close(file);
      return failed("it is larger than " + std::to_string(limit / 1024) + " KiB");
    }
  }
  close(file);
  return text;
}

}  // namespace duet::config
