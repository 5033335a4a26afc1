// A route as frameworks write it, as Router takes it. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace duet::http {

// "/items/:id" (Express), "/items/<int:id>" (Flask, Django), "/items/{id}" and "/files/{path:path}"
// (Starlette) as "/items/{id}" and "/files/{path...}"; "/files/*" stays. What is neither of these
// is left as it is.
std::string from_framework_pattern(std::string_view pattern);

}  // namespace duet::http
