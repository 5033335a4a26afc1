// Opens engine modules: at most one of each language, when the first handler needs it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "host/base/result.h"
#include "host/cli/python_choice.h"
#include "host/config/config.h"
#include "host/runtime.h"

namespace duet::cli {

class Engines {
 public:
  // `directory`: where a .venv is looked for (the project's).
  explicit Engines(std::string directory);
  ~Engines();
  Engines(const Engines&) = delete;
  Engines& operator=(const Engines&) = delete;

  // Begins to load JavaScript's libraries in a thread of its own: 73,000 relocations take some 20
  // ms, in which another engine can start. That one's libraries should be loaded already, because
  // the loader takes one after the other. Once, before open(), which waits for the end and says
  // what failed.
  void load_js_ahead();

  // The engine of that language, opened but not started. Errors say how to build what is missing.
  // Engines live until the process ends: neither V8 nor CPython can be unloaded.
  Result<Runtime*> open(config::Language language);

  // Those opened so far.
  const std::vector<Runtime*>& opened() const { return opened_; }

  // The interpreter; set once Python has been opened.
  const std::optional<PythonChoice>& python() const { return python_; }

 private:
  Result<Runtime*> open_module(const std::string& path);

  std::string directory_;
  std::optional<PythonChoice> python_;
  Runtime* runtimes_[config::kLanguages] = {};
  std::vector<Runtime*> opened_;
  std::thread loading_;
};

}  // namespace duet::cli
