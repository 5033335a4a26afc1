#include "host/cli/bench_environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "host/base/executable.h"
#include "host/bench/server_process.h"
#include "host/measure/table.h"

namespace duet::cli {

namespace {

constexpr Nanos kVersionPatience = 10 * kSecond;
constexpr Nanos kMostStolen = 100;  // a hundredth of the run

// "{\"duet\":\"0.1.0\",\"Node\":\"24.1.0\",…}"; empty when it does not say.
std::string versions() {
  auto process = bench::ServerProcess::start({executable_path(), "version", "--json"});
  if (!process) return "";
  const auto line = (*process)->wait_for_line("{", kVersionPatience, [] { return false; });
  return line ? "{" + *line : "";
}

}  // namespace

bench::Fingerprint bench_fingerprint(const bench::Plan& plan) {
  bench::Fingerprint facts = bench::machine_fingerprint();
  const bool own = std::any_of(plan.arms.begin(), plan.arms.end(),
                               [](const auto& arm) { return !arm.is_url() && !arm.is_command(); });
  const auto add = [&facts](const bench::Fingerprint& more) {
    facts.insert(facts.end(), more.begin(), more.end());
  };
  if (own) {
    add(fingerprint_of(nlohmann::json::parse(versions(), nullptr, /*allow_exceptions=*/false)));
  }
  add(bench::environment_flags());
  return facts;
}

Result<void> pin(const bench::Plan& plan) {
  if (!plan.pinning) return {};
  const int code = bench::stay_on(plan.pinning->generator);
  if (code == 0) return {};
  return Error{"the generator cannot be kept to processor " +
                   bench::to_string(plan.pinning->generator) + ": " + std::strerror(code),
               {},
               {},
               {}};
}

std::string pinning_text(const bench::Plan& plan) {
  if (!plan.pinning) return "";
  return fmt::format("servers on processor {}, the generator on {}",
                     bench::to_string(plan.pinning->servers),
                     bench::to_string(plan.pinning->generator));
}

nlohmann::ordered_json pinning_json(const bench::Plan& plan) {
  if (!plan.pinning) return nullptr;
  return {{"servers", bench::to_string(plan.pinning->servers)},
          {"generator", bench::to_string(plan.pinning->generator)}};
}

nlohmann::ordered_json fingerprint_json(const bench::Fingerprint& fingerprint) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const bench::Fact& fact : fingerprint) json[fact.name] = fact.value;
  return json;
}

bench::Fingerprint fingerprint_of(const nlohmann::json& json) {
  bench::Fingerprint facts;
  if (!json.is_object()) return facts;
  for (const auto& [name, value] : json.items()) {
    if (value.is_string()) facts.push_back({name, value.get<std::string>()});
  }
  return facts;
}

std::vector<std::string> disturbance_notes(const bench::Disturbance& disturbance, Nanos length) {
  std::vector<std::string> notes;
  if (disturbance.throttled_periods > 0) {
    notes.push_back(fmt::format(
        "throttled: its control group was stopped in {} periods, for {} in all: the limit is in "
        "these figures (cpu.max)",
        measure::format_count(disturbance.throttled_periods),
        measure::format_duration(disturbance.throttled)));
  }
  if (disturbance.stolen > length / kMostStolen) {
    notes.push_back(fmt::format("the hypervisor took {} of processor time for others",
                                measure::format_duration(disturbance.stolen)));
  }
  return notes;
}

}  // namespace duet::cli
