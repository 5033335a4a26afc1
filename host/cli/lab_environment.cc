#include "host/cli/lab_environment.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "host/base/escape.h"
#include "host/bench/server_process.h"
#include "host/cli/program.h"

namespace duet::cli {

namespace {

namespace fs = std::filesystem;

constexpr Nanos kInstallPatience = 900 * kSecond;
constexpr Nanos kAskEvery = 50 * kMillisecond;
constexpr std::size_t kMostOutput = 4000;  // bytes of npm's or pip's last words

// PATH as this process was given it: each claim puts its own before it.
const std::string& given_path() {
  static const std::string path = [] {
    const char* value = std::getenv("PATH");
    return std::string(value == nullptr ? "/usr/local/bin:/usr/bin:/bin" : value);
  }();
  return path;
}

bool on_path(const std::string& program) {
  std::istringstream folders(given_path());
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (is_program(fs::path(folder) / program)) return true;
  }
  // Debian has servers where only root's PATH looks.
  return is_program(fs::path("/usr/sbin") / program);
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

std::string default_lab_cache() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && cache[0] == '/') {
    return std::string(cache) + "/duet/lab";
  }
  const char* home = std::getenv("HOME");
  return (home != nullptr && home[0] == '/' ? std::string(home) : fs::current_path().string()) +
         "/.cache/duet/lab";
}

bool LabEnvironment::has_npm(const std::string& folder, const std::string& name,
                             const std::string& version) const {
  const auto json = nlohmann::json::parse(
      content(fs::path(folder) / "node_modules" / name / "package.json"), nullptr, false);
  return json.is_object() && json.value("version", "") == version;
}

bool LabEnvironment::has_all_npm(const std::string& folder,
                                 const std::map<std::string, std::string>& packages) const {
  return std::all_of(packages.begin(), packages.end(),
                     [&](const auto& one) { return has_npm(folder, one.first, one.second); });
}

// An installed distribution has a folder NAME-VERSION.dist-info.
bool LabEnvironment::has_python(const std::string& name, const std::string& version) const {
  std::error_code failed;
  for (const auto& python : fs::directory_iterator(fs::path(folder_) / ".venv/lib", failed)) {
    for (const auto& entry : fs::directory_iterator(python.path() / "site-packages", failed)) {
      const std::string info = entry.path().filename().string();
      const std::size_t dash = info.find('-');
      if (dash == std::string::npos || !info.ends_with(".dist-info")) continue;
      if (python_name(info.substr(0, dash)) == name &&
          info.substr(dash + 1) == version + ".dist-info") {
        return true;
      }
    }
  }
  return false;
}

std::optional<LabEnvironment::Missing> LabEnvironment::missing(const Needs& needs) const {
  const std::string install = "duet lab " + claim_.name + " --install";
  for (const std::string& name : needs.npm) {
    const bool own = claim_.npm.contains(name);
    const std::string& version = own ? claim_.npm.at(name) : claim_.shared_npm.at(name);
    if (!has_npm(own ? folder_ : cache_, name, version)) {
      return Missing{fmt::format("{} {} of npm", name, version), install};
    }
  }
  for (const std::string& name : needs.python) {
    const std::string& version = claim_.python.at(name);
    if (!has_python(name, version)) {
      return Missing{fmt::format("{} {} of PyPI", name, version), install};
    }
  }
  for (const std::string& program : needs.programs) {
    if (!on_path(program)) {
      return Missing{"the program " + program, "apt-get install " + program};
    }
  }
  for (const std::string& name : needs.variables) {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') {
      return Missing{name + " in the environment", name + "=... duet lab " + claim_.name};
    }
  }
  return std::nullopt;
}

Result<void> LabEnvironment::copy() const {
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) {
    return Error{"the folder " + printable(folder_) + " cannot be made: " + failed.message(),
                 {},
                 "--cache FOLDER, or XDG_CACHE_HOME, names another one",
                 {}};
  }
  for (auto entry = fs::recursive_directory_iterator(claim_.folder, failed);
       !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    // What a person installed beside the claim is not ours to copy.
    if (name == "node_modules" || name == ".venv" || name == "__pycache__") {
      entry.disable_recursion_pending();
      continue;
    }
    const fs::path to = fs::path(folder_) / fs::relative(entry->path(), claim_.folder, failed);
    if (entry->is_directory()) {
      fs::create_directories(to, failed);
    } else {
      fs::copy_file(entry->path(), to, fs::copy_options::overwrite_existing, failed);
    }
    if (failed) break;
  }
  if (!failed) return {};
  return Error{printable(claim_.folder) + " cannot be copied to " + printable(folder_) + ": " +
                   failed.message(),
               {},
               {},
               {}};
}

Result<void> LabEnvironment::run(const std::vector<std::string>& command,
                                 Interrupt& interrupt) const {
  auto process = bench::ServerProcess::start(command);
  if (!process) return std::move(process).error();
  std::string shown;
  for (const std::string& word : command) shown += (shown.empty() ? "" : " ") + word;
  const Nanos deadline = now() + kInstallPatience;
  while ((*process)->running()) {
    if (interrupt.wait(kAskEvery) > 0) return Error{"interrupted", {}, {}, {}};
    if (now() > deadline) {
      return Error{printable(shown) + " takes longer than " +
                       std::to_string(kInstallPatience / kSecond) + " s",
                   {},
                   {},
                   (*process)->output(kMostOutput)};
    }
  }
  if ((*process)->ending() == "exit code 0") return {};
  return Error{printable(shown) + " failed (" + (*process)->ending() + ")",
               {},
               {},
               (*process)->output(kMostOutput)};
}

Result<void> LabEnvironment::install_npm(
    const std::string& folder, Interrupt& interrupt,
    const std::function<void(const std::string&)>& note) const {
  note("npm install, in " + printable(folder));
  if (!on_path("npm")) return Error{"npm is missing", {}, "apt-get install npm", {}};
  return run({"npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error",
              "--fetch-retries=1"},
             interrupt);
}

Result<void> LabEnvironment::install_python(
    Interrupt& interrupt, const std::function<void(const std::string&)>& note) const {
  note("pip install, in " + printable(folder_) + "/.venv");
  if (!is_program(folder_ + "/.venv/bin/python")) {
    if (auto made = run({"python3", "-m", "venv", ".venv"}, interrupt); !made) {
      Error error = std::move(made).error();
      if (error.hint.empty()) error.hint = "apt-get install python3-venv";
      return error;
    }
  }
  return run({".venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
              "--retries", "1", "-r", "requirements.txt"},
             interrupt);
}

Result<void> LabEnvironment::install(Interrupt& interrupt,
                                     const std::function<void(const std::string&)>& note) {
  if (auto entered = enter(); !entered) return entered;
  if (!has_all_npm(cache_, claim_.shared_npm)) {
    std::ofstream(cache_ + "/package.json") << claim_.shared_package_json;
    if (auto done = install_npm(cache_, interrupt, note); !done) return done;
  }
  if (!has_all_npm(folder_, claim_.npm)) {
    if (auto done = install_npm(folder_, interrupt, note); !done) return done;
  }
  const bool python = std::all_of(claim_.python.begin(), claim_.python.end(), [&](const auto& one) {
    return has_python(one.first, one.second);
  });
  if (!python) {
    if (auto done = install_python(interrupt, note); !done) return done;
  }
  return enter();  // what is new goes on PATH
}

Result<void> LabEnvironment::enter() const {
  if (auto copied = copy(); !copied) return copied;
  if (chdir(folder_.c_str()) != 0) {
    return Error{"the folder " + printable(folder_) + " cannot be entered", {}, {}, {}};
  }
  std::string path = given_path();
  std::error_code ignored;
  const std::string venv = folder_ + "/.venv";
  for (const std::string& folder : {cache_, folder_}) {
    const std::string programs = folder + "/node_modules/.bin";
    if (fs::exists(programs, ignored)) path.insert(0, programs + ":");
  }
  if (fs::exists(venv, ignored)) {
    path = venv + "/bin:" + path;
    setenv("VIRTUAL_ENV", venv.c_str(), 1);
  } else {
    unsetenv("VIRTUAL_ENV");
  }
  setenv("PATH", (path + ":/usr/sbin").c_str(), 1);
  return {};
}

}  // namespace duet::cli
