#include "host/cli/program.h"

#include <unistd.h>

#include <system_error>

namespace duet::cli {

bool is_program(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

}  // namespace duet::cli
