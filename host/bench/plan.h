// What a run is to do: everything that it depends on, apart from the machine and the servers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/bench/capacity.h"
#include "host/bench/generator.h"
#include "host/bench/pinning.h"
#include "host/bench/recording.h"
#include "host/bench/schedule.h"
#include "host/net/tls.h"

namespace duet::bench {

// Behind the name of the first arm, where it runs once more.
inline constexpr const char* kCopySuffix = " (A/A)";

struct ArmPlan {
  enum class Kind : std::uint8_t {
    kUrl,      // of a server that runs
    kHandler,  // what `duet serve` takes: a file, module:attribute, duet.toml
    kCommand,  // of a shell, with {port} in it, that starts a server
  };
  std::string name;  // unique within the plan
  std::string target;
  Kind kind = Kind::kHandler;
  bool is_copy = false;    // the first arm once more, to see how far the run tells it from itself
  std::uint32_t idle = 0;  // further connections, answered once before the run
  bool tls = false;        // kCommand: its server is asked by https:// or wss://
  bool is_url() const { return kind == Kind::kUrl; }
  bool is_command() const { return kind == Kind::kCommand; }
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
  // Instead of method, path and bodies; `fields` are added to each. schedule.order has its order.
  std::optional<Recording> recording;
  double replay_speed = 1;
  std::optional<Objective> objective;  // instead of a rate: the highest that meets it is searched
  std::uint32_t starts = 0;            // instead of a load: so many cold starts of each arm
  Nanos after_start = 0;               // how long each of them is watched for a steady state
  bool websocket = false;              // each body is a message, and is answered by one
  net::TlsOptions tls;                 // of what is asked by https:// and wss://
  // Whether each round has the same load, so that rounds can be compared and put together.
  bool rounds_are_alike() const {
    return schedule.steps.empty() && schedule.arrivals != Arrivals::kReplay && !objective &&
           starts == 0;
  }
  bool any_idle() const {
    return std::any_of(arms.begin(), arms.end(), [](const ArmPlan& arm) { return arm.idle > 0; });
  }
  std::optional<Pinning> pinning;  // none: all of them run where the kernel puts them
  // Ratios to be told besides those to the first arm: of one arm to another, by index.
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  std::vector<std::string> notes;  // what is worth knowing before the run
};

}  // namespace duet::bench
