#include "host/cli/engines.h"

#include <dlfcn.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "bindings/native/native_runtime.h"
#include "boundary/number.h"
#include "host/base/executable.h"
#include "host/cli/interpreter.h"
#include "host/upstream/upstream_runtime.h"

namespace duet::cli {

namespace {

namespace fs = std::filesystem;

// With what a module brings along (libnode): addons look their symbols up there.
constexpr int kGlobally = RTLD_NOW | RTLD_GLOBAL;

std::string js_module() { return module_directory() + "/duet_js.so"; }

// Neither V8 nor CPython can be unloaded, so engines outlive whoever opened them.
void keep_for_ever(Runtime* runtime) {
  static auto* const all = new std::vector<Runtime*>;
  all->push_back(runtime);
}

std::string available_pythons() {
  std::string list;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(module_directory(), ignored)) {
    const std::string name = entry.path().stem().string();
    constexpr std::string_view kPrefix = "duet_python";
    if (!name.starts_with(kPrefix)) continue;
    if (!list.empty()) list += ", ";
    list += name.substr(kPrefix.size());
  }
  return list.empty() ? "none" : list;
}

// Unless this process runs in the interpreter, which has all of it.
Result<void> open_python(const PythonChoice& choice) {
  if (inside_interpreter()) {
    using Version = const char* (*)();
    const auto version = reinterpret_cast<Version>(dlsym(RTLD_DEFAULT, "Py_GetVersion"));
    if (std::string_view(version()).starts_with(choice.version + ".")) return {};
    return Error{"this process runs in Python " + std::string(version()), choice.executable,
                 "the environment has changed while duet started: start it again", ""};
  }
  if (choice.library.empty()) {
    return Error{"Python " + choice.version + " has no shared libpython" + choice.version +
                     ".so, so it cannot be embedded",
                 choice.executable,
                 "apt-get install libpython" + choice.version +
                     ", or for pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install",
                 ""};
  }
  if (dlopen(choice.library.c_str(), kGlobally) == nullptr) {
    const char* cause = dlerror();
    return Error{"libpython cannot be opened: " + std::string(cause != nullptr ? cause : ""),
                 choice.executable, "", ""};
  }
  return {};
}

}  // namespace

Engines::Engines(std::string directory) : directory_(std::move(directory)) {}

Engines::~Engines() {
  if (loading_.joinable()) loading_.join();
}

void Engines::load_js_ahead() {
  loading_ = std::thread([path = js_module()] { dlopen(path.c_str(), kGlobally); });
}

Result<Runtime*> Engines::open_module(const std::string& path) {
  if (!fs::exists(path)) {
    return Error{"the engine module " + path + " was not built", "",
                 "build it: cmake --build --preset release", ""};
  }
  void* module = dlopen(path.c_str(), kGlobally);
  if (module == nullptr) {
    const char* cause = dlerror();
    return Error{
        "the engine module cannot be opened: " + std::string(cause != nullptr ? cause : ""), path,
        "build it again: cmake --build --preset release", ""};
  }
  const auto create = reinterpret_cast<CreateRuntime>(dlsym(module, kCreateRuntimeSymbol));
  Runtime* runtime = create != nullptr ? create(kRuntimeBoundary) : nullptr;
  if (runtime == nullptr) {
    return Error{"the engine module and duet were not built from the same sources", path,
                 "build it again: cmake --build --preset release", ""};
  }
  return runtime;
}

Result<Runtime*> Engines::open(config::Language language) {
  Runtime*& known = runtimes_[static_cast<int>(language)];
  if (known != nullptr) return known;
  switch (language) {
    case config::Language::kNative:
      known = make_native_runtime();
      break;
    case config::Language::kHttp:
      known = make_upstream_runtime();
      break;
    case config::Language::kJavaScript: {
      if (loading_.joinable()) loading_.join();
      auto opened = open_module(js_module());
      if (!opened) return opened;
      known = *opened;
      break;
    }
    case config::Language::kPython: {
      auto choice = choose_python(directory_);
      if (!choice) return std::move(choice).error();
      const std::string path = module_directory() + "/duet_python" + choice->version + ".so";
      if (!fs::exists(path)) {
        return Error{"no engine module for Python " + choice->version + " (" + choice->executable +
                         ", by " + choice->reason + "); there are: " + available_pythons(),
                     "",
                     "install its headers and build again: cmake --build --preset release, or "
                     "activate a virtual environment of another version",
                     ""};
      }
      if (auto there = open_python(*choice); !there) return std::move(there).error();
      auto opened = open_module(path);
      if (!opened) return opened;
      python_ = std::move(*choice);
      known = *opened;
      break;
    }
  }
  opened_.push_back(known);
  keep_for_ever(known);
  return known;
}

}  // namespace duet::cli
