// What a run is to do: everything that it depends on, apart from the machine and the servers.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/bench/generator.h"
#include "host/bench/schedule.h"

namespace duet::bench {

struct ArmPlan {
  std::string name;    // unique within the plan
  std::string target;  // a URL, or what `duet serve` takes: a file, module:attribute, duet.toml
  bool is_url() const { return target.starts_with("http://") || target.starts_with("https://"); }
};

struct Plan {
  std::vector<ArmPlan> arms;
  ScheduleOptions schedule;  // its duration has the warm-up in it
  Nanos warmup = 0;
  Generator::Options generator;
  std::string method;
  std::optional<std::string> path;  // for all arms; otherwise that of the URL, or /
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::string> bodies;  // they take turns; at least one, which may be empty
};

}  // namespace duet::bench
