// `duet version`: what this host is made of, for reports and for comparing machines.
#include <llhttp.h>
#include <uv.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "host/base/escape.h"
#include "host/base/executable.h"
#include "host/cli/command.h"
#include "host/cli/engines.h"
#include "host/cli/interpreter.h"

namespace duet::cli {

namespace {

constexpr HelpRow kExamples[] = {
    {"duet version", "one component a line"},
    {"duet version --json", "the same for programs"},
};

constexpr Option kOptionList[] = {
    {"json", "", "As one JSON object.", ""},
    kHelpOption,
};
constexpr OptionGroup kOptions[] = {{"Options", kOptionList}};

struct Row {
  std::string name;
  std::string version;
  bool missing = false;  // `version` is the reason then
};

// Versions of the Python modules that were built: "3.11", "3.13".
std::vector<std::string> built_pythons() {
  constexpr std::string_view kPrefix = "duet_python";
  std::vector<std::string> versions;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(module_directory(), ignored)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() == ".so" && name.starts_with(kPrefix)) {
      versions.push_back(name.substr(kPrefix.size()));
    }
  }
  std::sort(versions.begin(), versions.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);  // 3.9 before 3.11
  });
  return versions;
}

void add_engine(Engines& engines, config::Language language, std::string name,
                std::vector<Row>& rows) {
  const Result<Runtime*> engine = engines.open(language);
  if (!engine) {
    rows.push_back({std::move(name), engine.error().to_string(), true});
    return;
  }
  for (auto& [part, version] : (*engine)->versions()) {
    const bool repeats = version.starts_with(part + " ");  // "OpenSSL 3.6.5 29 Sep 2026"
    rows.push_back({part, repeats ? version.substr(part.size() + 1) : version});
  }
}

std::vector<Row> collect() {
  std::vector<Row> rows;
  rows.push_back({"duet", DUET_VERSION});
  std::error_code ignored;
  Engines engines(std::filesystem::current_path(ignored).string());
  add_engine(engines, config::Language::kJavaScript, "Node", rows);
  add_engine(engines, config::Language::kPython, "CPython", rows);
  if (engines.python()) {
    rows.push_back({"Python executable",
                    engines.python()->executable + " (by " + engines.python()->reason + ")"});
    rows.push_back(
        {"Python runs in", inside_interpreter() ? "that program" : engines.python()->library});
  }
  std::string modules;
  for (const std::string& version : built_pythons()) {
    modules += (modules.empty() ? "" : ", ") + version;
  }
  rows.push_back(
      {"Python modules", modules.empty() ? "none were built" : modules, modules.empty()});
  add_engine(engines, config::Language::kNative, "plug-in interface", rows);
  rows.push_back({"libuv", uv_version_string()});
  rows.push_back({"llhttp", std::to_string(LLHTTP_VERSION_MAJOR) + "." +
                                std::to_string(LLHTTP_VERSION_MINOR) + "." +
                                std::to_string(LLHTTP_VERSION_PATCH)});
  return rows;
}

std::string as_text(const std::vector<Row>& rows) {
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.name.size());
  std::string text;
  for (const Row& row : rows) {
    text += row.name + std::string(width + 2 - row.name.size(), ' ');
    text += (row.missing ? "not available: " : "") + printable(row.version) + "\n";
  }
  return text;
}

std::string as_json(const std::vector<Row>& rows) {
  std::string text = "{";
  for (const Row& row : rows) {
    if (text.size() > 1) text += ',';
    append_json_string(text, row.name);
    text += ':';
    if (row.missing) {
      text += "null";
    } else {
      append_json_string(text, row.version);
    }
  }
  return text + "}\n";
}

int run(const Arguments& arguments) {
  std::error_code ignored;
  continue_in_interpreter(std::filesystem::current_path(ignored).string());
  const std::vector<Row> rows = collect();
  const std::string text = arguments.has("json") ? as_json(rows) : as_text(rows);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  // Engines are neither closed nor waited for: nothing was started.
  return kExitOk;
}

}  // namespace

const Command kVersionCommand = {
    "version", "prints the versions of duet, its engines and libraries",
    "",        kExamples,
    kOptions,  {},
    {},        0,
    run};

}  // namespace duet::cli
