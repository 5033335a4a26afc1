// What became of a claim on this machine. Plain data: lab_run.cc fills it in, lab_words.cc puts it
// into sentences.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/lab_claim.h"
#include "host/stats/block_bootstrap.h"

namespace duet::cli {

// A figure, a ratio or a difference, with its 95% interval. Times are nanoseconds.
struct LabValue {
  double value = 0;  // NaN: there is none
  std::optional<stats::BlockInterval> interval;
  std::string missing;   // why there is no interval: "too few requests"
  bool at_most = false;  // the generator's lag is in it, and too much of it to be subtracted
};

struct LabCompared {
  std::string about;
  std::string arm, than;  // than: empty for a figure by itself
  LabFigure figure;
  std::optional<Claimed> claimed;
  bool is_difference = false;  // by how many nanoseconds `arm` is sooner than `than`
  // Otherwise, of two arms: how many times as good `arm` is as `than`.
  LabValue value;
  std::optional<Finding> finding;  // where something is claimed, and there is an interval
  std::string doubt;               // why the finding is "cannot tell", if it is not the interval's
};

struct LabSplitted {
  std::string from, to;  // the ends of the chain
  LabFigure figure;
  LabValue total;
  struct Part {
    std::string name;
    LabValue value;  // their product is the total's
  };
  std::vector<Part> parts;
};

// An arm that was measured: each figure that the run's comparisons are about.
struct LabMeasured {
  std::string name;
  std::vector<LabValue> values;  // by LabRunResult::figures
};

struct LabLeftOut {
  std::string name;
  std::string reason;   // "it needs express 5.3.0 of npm"
  std::string how;      // what would change that; may be empty
  bool failed = false;  // it has what it needs, and does not run all the same
};

struct LabRunResult {
  std::string title;
  std::vector<LabFigure> figures;
  std::vector<LabMeasured> arms;
  std::vector<LabLeftOut> left_out;
  std::vector<LabCompared> compares;
  std::vector<LabSplitted> splits;
  std::string basis;               // "40 rounds; A/A clean"; empty when nothing was measured
  std::vector<std::string> notes;  // "no steady state: …"
  std::string untestable;          // why nothing could be compared; empty otherwise
  std::string how;                 // what would change that
  bool failed = false;             // a server, or the run itself, failed
};

struct LabResult {
  std::string name, claim, source, note;
  std::vector<LabRunResult> runs;
  bool interrupted = false;  // by a signal: some run is not there

  bool tested() const {
    for (const LabRunResult& run : runs) {
      if (!run.compares.empty()) return true;
    }
    return false;
  }
};

}  // namespace duet::cli
