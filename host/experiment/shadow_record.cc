#include "host/experiment/shadow_record.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "host/stats/kernel.h"

namespace duet::experiment {
namespace {

constexpr double kLeastRelative = 0.2;
constexpr double kLeastAbsolute = 0.0003;
// About so many comparisons in which one side differs are to tell.
constexpr double kTellingDifferences = 30;

double threshold() { return std::log(ShadowRecord::kMostFields / ShadowRecord::kAlpha); }

bool is_real(const ShadowField& field, std::uint64_t compared) {
  if (field.raw <= field.noise || field.log_e < threshold()) return false;
  const auto excess = static_cast<double>(field.raw - field.noise);
  return excess / static_cast<double>(field.raw + field.noise) > kLeastRelative &&
         excess / static_cast<double>(compared) > kLeastAbsolute;
}

void update_evidence(ShadowField& field) {
  static const double c =
      stats::concentration(kTellingDifferences, ShadowRecord::kAlpha / ShadowRecord::kMostFields);
  if (field.raw_only <= field.noise_only) return;
  const auto k = static_cast<double>(field.raw_only);
  const auto n = static_cast<double>(field.raw_only + field.noise_only);
  field.log_e = std::max(field.log_e, stats::log_e(k, n, 0.5, c));
}

// At the beginning of a character, as far as it is UTF-8.
std::string shortened(const std::string& text) {
  if (text.size() <= ShadowRecord::kMostText) return text;
  std::size_t end = ShadowRecord::kMostText - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

using ByPart = std::array<std::uint64_t, kAnswerParts>;

void count_parts(const std::vector<Difference>& differences, ByPart& counts) {
  std::array<bool, kAnswerParts> has{};
  for (const Difference& one : differences) has[static_cast<int>(part_of(one.field))] = true;
  for (int part = 0; part < kAnswerParts; ++part) counts[part] += has[part];
}

bool within(const ByPart& counts, std::uint64_t most) {
  return std::all_of(counts.begin(), counts.end(), [&](std::uint64_t one) { return one <= most; });
}

bool is_sound(const ShadowField& field, std::uint64_t compared) {
  return field.raw <= compared && field.noise <= compared && field.raw_only <= field.raw &&
         field.noise_only <= field.noise && field.last <= compared && field.log_e >= 0 &&
         std::isfinite(field.log_e);
}

}  // namespace

AnswerPart part_of(std::string_view field) {
  if (field == "status") return AnswerPart::kStatus;
  return field.starts_with("header:") ? AnswerPart::kHeader : AnswerPart::kBody;
}

ShadowField& ShadowRecord::field(const std::string& full_name) {
  const std::string name = shortened(full_name);
  const auto found = fields_.find(name);
  if (found != fields_.end()) return found->second;
  const std::string& called = fields_.size() < kMostFields - 1 ? name : kOtherFields;
  ShadowField& field = fields_[called];
  field.name = called;
  return field;
}

// Both lists are in order of their fields. What shares the place of kOtherFields counts once.
void ShadowRecord::add(const std::vector<Difference>& raw, const std::vector<Difference>& noise,
                       const std::string& request, double at) {
  ++compared_;
  count_parts(raw, raw_);
  count_parts(noise, noise_);
  struct Seen {
    const Difference* raw = nullptr;
    bool noise = false;
  };
  std::map<ShadowField*, Seen> seen;
  for (const Difference& one : raw) seen[&field(one.field)].raw = &one;
  for (const Difference& one : noise) seen[&field(one.field)].noise = true;
  for (const auto& [field, in] : seen) {
    field->raw += in.raw != nullptr;
    field->noise += in.noise;
    if ((in.raw != nullptr) == in.noise) continue;
    if (in.noise) {
      ++field->noise_only;
    } else {
      field->last = compared_;
      if (field->raw_only++ == 0) {
        field->example = {at, shortened(request), in.raw->first, in.raw->second};
      }
    }
    update_evidence(*field);
  }
}

ShadowVariant ShadowRecord::snapshot() const {
  ShadowVariant variant;
  variant.compared = compared_;
  variant.raw = raw_;
  variant.noise = noise_;
  for (const auto& [name, field] : fields_) {
    variant.fields.push_back(field);
    variant.fields.back().differs = is_real(field, compared_);
  }
  std::stable_sort(variant.fields.begin(), variant.fields.end(),
                   [](const ShadowField& a, const ShadowField& b) {
                     return a.differs != b.differs ? a.differs : a.raw > b.raw;
                   });
  return variant;
}

ShadowRecord::State ShadowRecord::state() const {
  State state{compared_, raw_, noise_, {}};
  for (const auto& [name, field] : fields_) state.fields.push_back(field);
  return state;
}

bool ShadowRecord::restore(State state) {
  if (state.fields.size() > kMostFields || !within(state.raw, state.compared) ||
      !within(state.noise, state.compared)) {
    return false;
  }
  std::map<std::string, ShadowField> fields;
  for (ShadowField& field : state.fields) {
    if (!is_sound(field, state.compared)) return false;
    std::string name = field.name;
    if (!fields.emplace(std::move(name), std::move(field)).second) return false;
  }
  compared_ = state.compared;
  raw_ = state.raw;
  noise_ = state.noise;
  fields_ = std::move(fields);
  return true;
}

}  // namespace duet::experiment
