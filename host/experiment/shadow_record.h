// What came of comparing a variant's answers with the control's on copies of requests.
//
// Each comparison has three answers to one request: the control's to the client, and those to two
// copies, one answered by the control once more, one by the variant, in random order. `noise`
// counts how often a field differs between the control's two answers, `raw` how often between the
// control's and the variant's. A field that is different each time (a time stamp, a random id) has
// as much noise as raw.
//
// A field differs for real when all of this holds:
//   raw > noise
//   (raw - noise) / (raw + noise) > 20% and (raw - noise) / comparisons > 0.03%
//   the evidence: of the comparisons in which only one of the two differs, each falls on the
//     variant's side with probability 1/2 if the variant is no other than the control, because the
//     copies' order is random. stats::log_e of that proportion has reached ln(kMostFields / alpha)
//     at some time, on the variant's side: so the chance that any field of a variant that is no
//     other is ever called is at most alpha, however often somebody looks.
// The sizes are Diffy's rule; the sequential sign test is Lindon & Malek's (host/stats/kernel.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "host/experiment/answer_diff.h"

namespace duet::experiment {

struct ShadowExample {
  double at = 0;        // seconds since 1970
  std::string request;  // "GET /price/tea"
  std::string control, variant;
};

struct ShadowField {
  std::string name;
  std::uint64_t raw = 0, noise = 0;
  std::uint64_t raw_only = 0, noise_only = 0;  // comparisons in which one of the two differs
  double log_e = 0;                            // highest so far, on the variant's side
  bool differs = false;                        // for real
  ShadowExample example;                       // the first in which the variant alone differs
};

struct ShadowVariant {
  std::string name;
  std::uint64_t compared = 0;
  std::uint64_t unanswered = 0;     // copies that the variant's handler could not be asked
  std::vector<ShadowField> fields;  // that ever differed; those that differ for real first
};

// What is shown of an experiment's shadow traffic.
struct ShadowSnapshot {
  double rate = 0;
  std::uint64_t sampled = 0;   // requests of the control that were to be copied
  std::uint64_t skipped = 0;   // of them, those for which there was no room or no idle turn in time
  std::uint64_t unusable = 0;  // too large, or their client left
  std::uint64_t waiting = 0;   // now, for an answer or a turn
  std::uint64_t running = 0;   // copies in flight, now
  std::vector<ShadowVariant> variants;  // those that are compared
};

// Of one variant. Not synchronised.
class ShadowRecord {
 public:
  static constexpr std::size_t kMostFields = 256;
  static constexpr double kAlpha = 0.05;
  static constexpr const char* kOtherFields = "(other fields)";

  // `raw`: control and variant; `noise`: control and control.
  void add(const std::vector<Difference>& raw, const std::vector<Difference>& noise,
           const std::string& request, double at);
  std::uint64_t compared() const { return compared_; }
  // `name` and `unanswered` are the caller's.
  ShadowVariant snapshot() const;

 private:
  ShadowField& field(const std::string& name);

  std::uint64_t compared_ = 0;
  std::map<std::string, ShadowField> fields_;
};

}  // namespace duet::experiment
