// What a handler is made of: a file, an attribute of a Python module, or a service elsewhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/config/config.h"

namespace duet::config {

struct Source {
  std::string source;  // absolute path of a readable file, "module:attribute", or a URL
  std::string root;    // absolute directory: the file's own, else `directory`
  Language language = Language::kJavaScript;
};

// "package.module:attribute", both dotted names of Python; "module:factory()" calls it at start.
bool is_module_attribute(std::string_view text);

// The language that a file name tells: .mjs .js .cjs .ts .mts .cts, .py, .so.
std::optional<Language> language_of_file(std::string_view path);

// The folder of the plug-ins that come with duet: ../lib/duet/plugins from the executable.
const std::string& shipped_plugins();

// Understands `text`, relative to `directory` (absolute); a plain "name.so" that is not there may
// also be one of the shipped plug-ins. `language`: as the user said, for files
// whose name does not tell. Errors: a URL that is no ServiceUrl, no such file (with the name that
// was probably meant), a directory, not readable, a name that tells no language.
Result<Source> resolve_source(std::string_view text, const std::string& directory,
                              std::optional<Language> language = std::nullopt);

// An existing directory, absolute.
Result<std::string> resolve_directory(std::string_view text, const std::string& directory);

// The name in the directory of `path` that was probably meant by it; empty when none is near.
std::string similar_file(const std::string& path);

// The whole file, at most `limit` bytes. Errors name the path and the cause.
Result<std::string> read_file(const std::string& path, std::size_t limit);

}  // namespace duet::config
