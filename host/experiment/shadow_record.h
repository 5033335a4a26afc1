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

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/experiment/answer_diff.h"

namespace duet::experiment {

struct ShadowExample {
  double at = 0;        // seconds since 1970
  std::string request;  // "GET /price/tea"
  std::string control, variant;
};

// Which part of an answer a field belongs to.
enum class AnswerPart : std::uint8_t { kStatus, kHeader, kBody };
inline constexpr int kAnswerParts = 3;
AnswerPart part_of(std::string_view field);

struct ShadowField {
  std::string name;
  std::uint64_t raw = 0, noise = 0;
  std::uint64_t raw_only = 0, noise_only = 0;  // comparisons in which one of the two differs
  std::uint64_t last = 0;                      // the comparison in which the variant alone differed
  double log_e = 0;                            // highest so far, on the variant's side
  bool differs = false;                        // for real
  ShadowExample example;                       // the first in which the variant alone differs
};

struct ShadowVariant {
  std::string name;
  std::uint64_t compared = 0;
  // Comparisons in which anything of that part differs, as ShadowField::raw and noise.
  std::array<std::uint64_t, kAnswerParts> raw{}, noise{};
  std::uint64_t unanswered = 0;     // copies that the variant's handler could not be asked
  std::uint64_t overdue = 0;        // copies that it had not answered at their deadline
  std::vector<ShadowField> fields;  // that ever differed; those that differ for real first
};

// Of one variant. Its size is bounded: kMostFields fields of kMostText bytes and an example each.
// Not synchronised.
class ShadowRecord {
 public:
  static constexpr std::size_t kMostFields = 256;
  static constexpr double kAlpha = 0.05;
  static constexpr const char* kOtherFields = "(other fields)";
  // Of a field's name and of an example's request; what is longer is cut, and ends with "…". The
  // values are short already (answer_diff.h).
  static constexpr std::size_t kMostText = 256;

  // All of it.
  struct State {
    std::uint64_t compared = 0;
    std::array<std::uint64_t, kAnswerParts> raw{}, noise{};
    std::vector<ShadowField> fields;
  };

  // `raw`: control and variant; `noise`: control and control.
  void add(const std::vector<Difference>& raw, const std::vector<Difference>& noise,
           const std::string& request, double at);
  std::uint64_t compared() const { return compared_; }
  // `name`, `unanswered` and `overdue` are the caller's.
  ShadowVariant snapshot() const;
  State state() const;
  // Instead of what there is. False: these are no counts of such a record; nothing happened.
  bool restore(State state);

 private:
  ShadowField& field(const std::string& name);

  std::uint64_t compared_ = 0;
  std::array<std::uint64_t, kAnswerParts> raw_{}, noise_{};
  std::map<std::string, ShadowField> fields_;
};

}  // namespace duet::experiment
