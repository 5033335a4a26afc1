// The duet.toml of a host whose control 'js' (js.mjs) answers everything under /c, and whose other
// variant gets copies only.
#pragma once

#include <string>

namespace duet {

// `variant`: the other handler's name, and `source` its file or URL. `shadow`: further lines of
// [experiment.shadow].
inline std::string shadow_config(const std::string& variant, const std::string& source,
                                 const std::string& methods, const std::string& shadow) {
  return R"([handlers]
js = { source = "js.mjs" }
)" + variant +
         " = { source = \"" + source + R"(" }
[[routes]]
path = "/c/{code}"
methods = )" +
         methods + R"(
handler = "js"
[[experiment]]
name = "price"
route = "/c/{code}"
key = "random"
[[experiment.variants]]
handler = "js"
[[experiment.variants]]
handler = ")" +
         variant + R"("
weight = 0
[experiment.shadow]
)" + shadow;
}

}  // namespace duet
