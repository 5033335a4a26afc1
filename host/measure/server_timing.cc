#include "host/measure/server_timing.h"

#include <fmt/format.h>

namespace duet::measure {

std::string format_server_timing(const Timeline& timeline, Nanos at) {
  Timeline so_far = timeline;
  so_far.end(at);
  constexpr Phase kOrder[] = {Phase::kQueue, Phase::kParse, Phase::kGil,  Phase::kRun,
                              Phase::kAwait, Phase::kReady, Phase::kPool, Phase::kWrite};
  std::string text;
  const auto add = [&](std::string_view name, Nanos duration) {
    fmt::format_to(std::back_inserter(text), "{}{};dur={:.3f}", text.empty() ? "" : ", ", name,
                   static_cast<double>(duration) * 1e-6);
  };
  for (const Phase phase : kOrder) {
    if (so_far.spent(phase) > 0) add(phase_name(phase), so_far.spent(phase));
  }
  if (so_far.gc() > 0) add("gc", so_far.gc());
  add("total", so_far.total());
  return text;
}

}  // namespace duet::measure
