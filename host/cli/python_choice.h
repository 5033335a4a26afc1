// Which Python is embedded: the one that the user runs.
#pragma once

#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/config/config.h"

namespace duet::cli {

struct PythonChoice {
  std::string executable;  // absolute; a virtual environment's own python, not what it links to
  std::string version;     // "3.11": names the engine module duet_python3.11.so
  std::string library;     // absolute path of its libpython; empty: it was built without one
  std::string reason;      // "VIRTUAL_ENV", ".venv beside duet.toml", "python3 on PATH"
};

// The active virtual environment ($VIRTUAL_ENV), else a .venv in `directory`, else `python3` on
// PATH. Starts no process unless nothing else tells. Errors name what to install or to set.
Result<PythonChoice> choose_python(std::string_view directory);

// Where a .venv is looked for: beside duet.toml, or the first Python handler; else here.
std::string project_directory(const config::Config& config);

}  // namespace duet::cli
