// What two route patterns have in common when they match the same targets.
#pragma once

#include <string>
#include <string_view>

namespace duet::config {

// "/a/{id}/{rest...}" → "/a/{}/{...}". `pattern` is a valid one; any thread.
std::string shape_of(std::string_view pattern);

}  // namespace duet::config
