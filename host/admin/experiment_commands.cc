#include "host/admin/experiment_commands.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "host/http/percent.h"

namespace duet::admin {
namespace {

using experiment::Decision;
using experiment::Live;

std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  for (http::QueryReader reader(query); reader.next();) {
    if (reader.name() == name) return reader.value();
  }
  return std::nullopt;
}

Error missing(std::string_view action, std::string_view name, std::string_view example) {
  return {std::string(action) + " needs '" + std::string(name) + "'",
          {},
          "for example ?" + std::string(example),
          {}};
}

Result<Decision> ramp(Live& live, std::string_view query, const std::string& who) {
  const auto text = parameter(query, "share");
  if (!text) return live.ramp(std::nullopt, who);
  double percent = 0;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, percent);
  const bool rest = std::string_view(parsed.ptr, static_cast<std::size_t>(end - parsed.ptr)) == "%";
  if (parsed.ec != std::errc() || !rest || std::isnan(percent)) {
    return Error{"'" + *text + "' is no share", {}, "a percentage, such as 20%", {}};
  }
  return live.ramp(percent / 100, who);
}

}  // namespace

Result<Decision> command(Live& live, std::string_view action, std::string_view query,
                         const std::string& who) {
  if (action == "start") return live.start(who);
  if (action == "stop") return live.stop(who);
  if (action == "ramp") return ramp(live, query, who);
  const auto variant = parameter(query, "variant");
  if (action == "promote") {
    if (!variant) return missing(action, "variant", "variant=python");
    return live.promote(*variant, who);
  }
  if (action == "pin") {
    const auto key = parameter(query, "key");
    if (!key || key->empty()) return missing(action, "key", "key=visitor-17&variant=python");
    return live.pin(*key, variant ? std::optional<std::string_view>(*variant) : std::nullopt, who);
  }
  return Error{"there is no '" + std::string(action) + "'",
               {},
               "start, stop, ramp, promote, pin or recompare",
               {}};
}

}  // namespace duet::admin
