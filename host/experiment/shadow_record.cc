#include "host/experiment/shadow_record.h"

#include <algorithm>
#include <cmath>

#include "host/stats/kernel.h"

namespace duet::experiment {
namespace {

constexpr double kLeastRelative = 0.2;
constexpr double kLeastAbsolute = 0.0003;
// About so many comparisons in which one side differs are to tell.
constexpr double kTuned = 30;

double threshold() { return std::log(ShadowRecord::kMostFields / ShadowRecord::kAlpha); }

bool is_real(const ShadowField& field, std::uint64_t compared) {
  if (field.raw <= field.noise || field.log_e < threshold()) return false;
  const auto excess = static_cast<double>(field.raw - field.noise);
  return excess / static_cast<double>(field.raw + field.noise) > kLeastRelative &&
         excess / static_cast<double>(compared) > kLeastAbsolute;
}

void update_evidence(ShadowField& field) {
  static const double c =
      stats::concentration(kTuned, ShadowRecord::kAlpha / ShadowRecord::kMostFields);
  if (field.raw_only <= field.noise_only) return;
  const auto k = static_cast<double>(field.raw_only);
  const auto n = static_cast<double>(field.raw_only + field.noise_only);
  field.log_e = std::max(field.log_e, stats::log_e(k, n, 0.5, c));
}

}  // namespace

ShadowField& ShadowRecord::field(const std::string& name) {
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
    } else if (field->raw_only++ == 0) {
      field->example = {at, request, in.raw->first, in.raw->second};
    }
    update_evidence(*field);
  }
}

ShadowVariant ShadowRecord::snapshot() const {
  ShadowVariant variant;
  variant.compared = compared_;
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

}  // namespace duet::experiment
