#include "host/cli/python_choice.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "host/base/escape.h"
#include "host/cli/interpreter.h"
#include "host/cli/program.h"

namespace duet::cli {

namespace {

namespace fs = std::filesystem;

struct Found {
  fs::path python;
  std::string reason;
};

// What is known of an interpreter without starting it.
struct Facts {
  std::string version;  // "3.11"
  std::string library;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The python of an environment or an installation: bin/python3, or bin/python where only that is.
std::optional<fs::path> python_in(const fs::path& bin) {
  for (const char* name : {"python3", "python"}) {
    if (is_program(bin / name)) return bin / name;
  }
  return std::nullopt;
}

// --- pyenv: its shims are shell scripts that take 60 ms to find out what these lines do ---

bool is_shim(const fs::path& python) {
  return python.parent_path().filename() == "shims" &&
         fs::exists(python.parent_path().parent_path() / "versions");
}

// The names in a .python-version file, or in PYENV_VERSION ("3.12.1:3.11.7").
std::vector<std::string> version_names(std::string_view text) {
  std::vector<std::string> names;
  std::string name;
  const auto finish = [&] {
    if (!name.empty()) names.push_back(std::exchange(name, ""));
  };
  bool comment = false;
  for (const char c : text) {
    if (c == '\n') comment = false;
    if (c == '#') comment = true;
    if (comment || c == ':' || c == '\n' || c == '\r' || c == ' ' || c == '\t') {
      finish();
    } else {
      name += c;
    }
  }
  finish();
  return names;
}

std::vector<std::string> read_versions(const fs::path& file) {
  std::ifstream stream(file);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  return version_names(text);
}

std::vector<std::string> pyenv_versions(const fs::path& root, const fs::path& directory) {
  auto names = version_names(environment("PYENV_VERSION"));
  if (!names.empty()) return names;
  for (fs::path at = directory; !at.empty(); at = at.parent_path()) {
    names = read_versions(at / ".python-version");
    if (!names.empty()) return names;
    if (at == at.root_path()) break;
  }
  names = read_versions(root / "version");
  if (names.empty()) names.emplace_back("system");
  return names;
}

// What the shim would run; null for "system" and for what only pyenv itself understands.
std::optional<fs::path> behind_shim(const fs::path& shim, const fs::path& directory) {
  const fs::path root = shim.parent_path().parent_path();
  for (const std::string& name : pyenv_versions(root, directory)) {
    if (name == "system") return std::nullopt;
    if (auto python = python_in(root / "versions" / name / "bin")) return python;
    // "3.12" means the newest 3.12.x that is installed.
    std::optional<fs::path> newest;
    int newest_patch = -1;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(root / "versions", ignored)) {
      const std::string installed = entry.path().filename().string();
      if (!installed.starts_with(name + ".")) continue;
      const int patch = std::atoi(installed.c_str() + name.size() + 1);
      auto python = python_in(entry.path() / "bin");
      if (python && patch > newest_patch) {
        newest = std::move(python);
        newest_patch = patch;
      }
    }
    if (newest) return newest;
  }
  return std::nullopt;
}

std::optional<fs::path> python_on_path(const fs::path& directory) {
  const std::string path = environment("PATH");
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    const fs::path folder = path.substr(start, end - start);
    start = end + 1;
    if (folder.empty() || !is_program(folder / "python3")) continue;
    const fs::path python = folder / "python3";
    if (!is_shim(python)) return python;
    if (auto real = behind_shim(python, directory)) return real;
  }
  return std::nullopt;
}

Result<Found> find_python(const fs::path& directory) {
  if (const std::string active = environment("VIRTUAL_ENV"); !active.empty()) {
    if (auto python = python_in(fs::path(active) / "bin")) {
      return Found{*python, "the active virtual environment"};
    }
    return Error{"VIRTUAL_ENV names " + active + ", which has no bin/python3", "",
                 "activate an environment that exists, or unset VIRTUAL_ENV", ""};
  }
  if (auto python = python_in(directory / ".venv" / "bin")) {
    return Found{*python, (directory / ".venv").string()};
  }
  if (auto python = python_on_path(directory)) return Found{*python, "python3 on PATH"};
  return Error{"no Python interpreter: there is no virtual environment and no python3 on PATH", "",
               "apt-get install python3, or activate a virtual environment", ""};
}

// "python3.11" → "3.11"
std::string version_of_name(const fs::path& python) {
  const std::string name = python.filename().string();
  constexpr std::string_view kPrefix = "python3.";
  if (!name.starts_with(kPrefix)) return "";
  const std::string minor = name.substr(kPrefix.size());
  const bool digits = !minor.empty() && std::all_of(minor.begin(), minor.end(),
                                                    [](char c) { return c >= '0' && c <= '9'; });
  return digits ? "3." + minor : "";
}

// "version = 3.11.7" or "version_info = 3.11.7.final.0" of a virtual environment.
std::string version_of_config(const fs::path& config) {
  std::ifstream stream(config);
  for (std::string line; std::getline(stream, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string_view key = trim(std::string_view(line).substr(0, equals));
    if (key != "version" && key != "version_info") continue;
    const std::string_view value = trim(std::string_view(line).substr(equals + 1));
    const std::size_t dot = value.find('.');
    if (dot == std::string_view::npos) continue;
    return std::string(value.substr(0, std::min(value.find('.', dot + 1), value.size())));
  }
  return "";
}

std::string library_of(const fs::path& real_python, const std::string& version) {
  const fs::path prefix = real_python.parent_path().parent_path();
  const std::string name = "libpython" + version + ".so";
  std::vector<fs::path> folders = {prefix / "lib", prefix / "lib64"};
#ifdef __x86_64__
  folders.push_back(prefix / "lib/x86_64-linux-gnu");
#elif defined(__aarch64__)
  folders.push_back(prefix / "lib/aarch64-linux-gnu");
#endif
  for (const fs::path& folder : folders) {
    // The development package's link to it, ".so" alone, may be missing.
    for (const char* suffix : {".1.0", ""}) {
      std::error_code ignored;
      if (fs::exists(folder / (name + suffix), ignored)) return (folder / (name + suffix)).string();
    }
  }
  return "";
}

Facts look(const fs::path& python) {
  std::error_code ignored;
  const fs::path real = fs::canonical(python, ignored);
  Facts facts;
  facts.version = version_of_name(real);
  if (facts.version.empty()) {
    facts.version = version_of_config(python.parent_path().parent_path() / "pyvenv.cfg");
  }
  if (!facts.version.empty()) facts.library = library_of(real, facts.version);
  return facts;
}

// Asks the interpreter itself: 20 ms, and 80 through a shim.
Facts ask(const fs::path& python) {
  static constexpr const char* kQuestion =
      "import os, sysconfig as s; v = s.get_config_vars(); "
      "p = os.path.join(v.get('LIBDIR') or '', v.get('INSTSONAME') or ''); "
      "print(s.get_python_version()); print(p if '.so' in p and os.path.exists(p) else '')";
  const std::string command =
      shell_word(python.string()) + " -I -c \"" + kQuestion + "\" 2>/dev/null";
  Facts facts;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return facts;
  char line[4096];
  if (std::fgets(line, sizeof line, pipe) != nullptr) facts.version = trim(line);
  if (std::fgets(line, sizeof line, pipe) != nullptr) facts.library = trim(line);
  pclose(pipe);
  return facts;
}

}  // namespace

Result<PythonChoice> choose_python(std::string_view directory) {
  std::error_code ignored;
  const fs::path folder = fs::absolute(directory.empty() ? "." : directory, ignored);
  auto found = find_python(folder.lexically_normal());
  if (!found) return std::move(found).error();
  const fs::path python = fs::absolute(found->python, ignored).lexically_normal();
  Facts facts = look(python);
  if (facts.version.empty() || (facts.library.empty() && !inside_interpreter())) {
    facts = ask(python);
  }

  if (facts.version.empty()) {
    return Error{"the Python interpreter cannot be started", python.string(),
                 "it was chosen by " + found->reason + ": repair or deactivate that", ""};
  }
  return PythonChoice{python.string(), facts.version, facts.library, found->reason};
}

std::string project_directory(const config::Config& config) {
  if (!config.file.empty()) return fs::path(config.file).parent_path().string();
  for (const config::Handler& handler : config.handlers) {
    if (handler.language == config::Language::kPython) return handler.root;
  }
  return fs::current_path().string();
}

}  // namespace duet::cli
