// A run of `duet bench` kept in a directory, to be looked at, run again, and compared with another:
//
//   run.json       where, how and what was measured, with the result
//   1.hlog, …      each arm's latencies, an interval a block, for HdrHistogram's tools
//   rerun.sh       the same run again: the same schedule on the same targets
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/result.h"
#include "host/bench/comparison.h"
#include "host/bench/condition.h"
#include "host/bench/fingerprint.h"
#include "host/bench/plan.h"
#include "host/cli/bench_run.h"

namespace duet::cli {

// Error: the file cannot be written, with it as the place.
Result<void> write_text(const std::string& file, std::string_view text);
// Whether it could be; what is in it stays. Creates it, empty, if need be.
Result<void> can_write(const std::string& file);

// Creates the directory, if need be. Error: it cannot be written, or there is a run in it.
Result<void> open_bundle(const std::string& directory);

// Options as they were given, and the positional arguments. `options`: names with their values; a
// flag's is empty, and `flags` says so.
struct CommandWords {
  std::vector<std::string> options;  // "--rate=1000", "--closed"
  std::vector<std::string> targets;
};
// For a shell, with that seed; run again in `directory`, further words are put in front.
std::string rerun_script(const CommandWords& words, const std::string& directory,
                         std::uint64_t seed);

// Error: a file cannot be written; what was written stays.
Result<void> write_bundle(const std::string& directory, const bench::Plan& plan,
                          const BenchResult& result, const CommandWords& words);

struct BundleArm {
  std::string name;
  bool is_copy = false;
  bench::Failures failures;
  bench::ArmRounds rounds;
};

struct Bundle {
  std::string directory;
  std::string started;  // "2026-11-27T20:00:00Z"
  bench::Fingerprint fingerprint;
  bench::Fingerprint load;             // what was asked for, as facts
  std::vector<std::string> disturbed;  // disturbance_notes() of the run
  bool closed = false;
  std::vector<BundleArm> arms;
};

// Error: it is no bundle, or of a ramp or a replay, whose rounds cannot be put together.
Result<Bundle> read_bundle(const std::string& directory);

}  // namespace duet::cli
