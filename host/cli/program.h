// What can be started.
#pragma once

#include <filesystem>

namespace duet::cli {

// Whether it is a file that this user may execute.
bool is_program(const std::filesystem::path& path);

}  // namespace duet::cli
