#include "host/measure/timeline.h"

namespace duet::measure {

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::kRun:
      return "run";
    case Phase::kGil:
      return "gil";
    case Phase::kParse:
      return "parse";
    case Phase::kWrite:
      return "write";
    case Phase::kPool:
      return "pool";
    case Phase::kReady:
      return "ready";
    case Phase::kAwait:
      return "await";
    case Phase::kQueue:
      return "queue";
  }
  return "";
}

}  // namespace duet::measure
