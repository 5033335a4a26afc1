// A claim of examples/claims: what is said, and the experiment that puts it to the test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/bench/comparison.h"
#include "host/cli/lab_claimed.h"
#include "host/cli/options.h"
#include "host/config/diagnostic.h"

namespace duet::cli {

// What must be there before a server can run.
struct Needs {
  std::vector<std::string> npm;        // packages of package.json
  std::vector<std::string> python;     // distributions of requirements.txt
  std::vector<std::string> programs;   // on PATH
  std::vector<std::string> variables;  // of the environment: DATABASE_URL
};

struct LabServer {
  std::string name;
  std::string target;  // a handler as `duet serve` takes it, or a command with {port} in it
  bool is_command = false;
  // Of its address: an arm's is "http" or "https", and "mqtt" would give a service's
  // "mqtt://127.0.0.1:40123".
  std::string scheme = "http";
  std::uint32_t idle = 0;  // of an arm: connections that are idle beside those of the load
  Needs needs;
};

// Runs beside the arms, which find its address in a variable of the environment.
struct LabService : LabServer {
  std::string variable;
};

// What is measured of an arm: a figure of `duet bench`, or of its cold starts.
struct LabFigure {
  enum class Kind : std::uint8_t { kLoad, kFirstAnswer, kSteady } kind = Kind::kLoad;
  bench::Metric metric = bench::Metric::kP50;  // kLoad
  std::string name;                            // as it is written
  bool is_time() const { return kind != Kind::kLoad || metric != bench::Metric::kThroughput; }
};
std::optional<LabFigure> lab_figure(std::string_view name);
// "p50", "throughput", "first_answer", ….
std::vector<std::string_view> lab_figure_names();

struct LabCompare {
  std::string about;  // which part of the claim it is; may be empty
  std::size_t arm = 0;
  std::optional<std::size_t> than;  // none: the figure by itself
  LabFigure figure;
  std::optional<Claimed> claimed;  // none: measured all the same
};

// A ratio of two arms as a product: each arm of the chain to the one before it.
struct LabSplit {
  std::vector<std::size_t> chain;  // at least two
  std::vector<std::string> parts;  // one fewer: what each step is
  LabFigure figure;
};

struct LabRun {
  std::string title;                  // may be empty
  std::vector<std::size_t> arms;      // into the claim's, in order
  std::vector<std::size_t> services;  // likewise
  double cpu = 0;                     // the share of one processor that each server may use; 0: all
  // Options of `duet bench`, as on its command line; and those for --quick, which come on top.
  std::vector<std::string> options, quick;
  config::Place place;  // of its table
  std::vector<LabCompare> compares;
  std::vector<LabSplit> splits;
};

struct Claim {
  std::string name;    // of the folder
  std::string folder;  // absolute
  std::string file;    // claim.toml as it is shown
  std::string claim;   // in one sentence
  std::string source;  // who says it
  std::string note;    // what the experiment does and does not show; may be empty
  std::vector<LabServer> arms;
  std::vector<LabService> services;
  std::vector<LabRun> runs;
  // Exact versions, by name as package.json and requirements.txt have them; and those of the
  // package.json that all claims of the folder share, with the text of that file.
  std::map<std::string, std::string> npm, shared_npm, python;
  std::string shared_package_json;
};

// Python's names are the same whatever their case, and with '-', '_' or '.' (PEP 503).
std::string python_name(std::string_view name);

struct ClaimFiles {
  std::string claim;  // claim.toml
  std::optional<std::string> package_json, requirements;
  std::optional<std::string> shared_package_json;  // of the folder above it
};
// `claim` has name, folder and file; the rest is read. `options`: what a workload may have, those
// of `duet bench`. Every mistake goes to `diagnostics`; the result is usable when there is no
// error. Pure.
void read_claim(const ClaimFiles& files, std::span<const OptionGroup> options, Claim& claim,
                config::Diagnostics& diagnostics);

}  // namespace duet::cli
