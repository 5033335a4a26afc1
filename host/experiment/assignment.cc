#include "host/experiment/assignment.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "host/base/split_mix.h"

namespace duet::experiment {

namespace {

constexpr double kLine = 4294967296.0;  // 2^32
constexpr std::size_t kMostVariants = 64;

std::uint64_t add_bytes(std::uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

double place(std::uint64_t hash) { return static_cast<double>(hash >> 32) / kLine; }

}  // namespace

std::uint64_t hash_key(std::string_view salt, std::string_view key) {
  return hash_key(hash_salt(salt), key);
}

std::uint64_t hash_salt(std::string_view salt) {
  return add_bytes(add_bytes(0xcbf29ce484222325, salt), std::string_view("\0", 1));
}

std::uint64_t hash_key(std::uint64_t salted, std::string_view key) {
  return mix64(add_bytes(salted, key));
}

Result<Split> Split::create(std::span<const double> weights, std::size_t control) {
  if (weights.empty() || weights.size() > kMostVariants) {
    return Error{
        "an experiment has 1 to " + std::to_string(kMostVariants) + " variants", {}, {}, {}};
  }
  if (control >= weights.size()) return Error{"the control is not among the variants", {}, {}, {}};
  for (const double weight : weights) {
    if (!(weight >= 0) || !std::isfinite(weight)) {
      return Error{"a weight is negative or no number", {}, "weights are 0 or above", {}};
    }
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (!(sum > 0) || !std::isfinite(sum)) {
    return Error{"the weights add up to " + std::string(sum > 0 ? "infinity" : "0"),
                 {},
                 "give at least one variant a weight above 0",
                 {}};
  }
  Split split;
  split.control_ = control;
  for (const double weight : weights) split.shares_.push_back(weight / sum);
  split.lay_out();
  return split;
}

void Split::lay_out() {
  std::vector<std::uint32_t> others;
  for (std::uint32_t i = 0; i < shares_.size(); ++i) {
    if (i != control_) others.push_back(i);
  }
  const auto whole = static_cast<std::uint64_t>(kLine);
  const auto length = [&](std::uint32_t variant) {
    return static_cast<std::uint64_t>(std::llround(shares_[variant] * kLine));
  };
  if (others.size() == 1) parts_.push_back({0, length(others[0]), others[0]});
  if (others.size() == 2) {
    const std::uint64_t left = length(others[0]);
    const std::uint64_t right = std::min(length(others[1]), whole - left);
    parts_.push_back({0, left, others[0]});
    parts_.push_back({whole - right, right, others[1]});
  }
  if (others.size() < 3) return;
  const std::uint64_t lane = whole / others.size();
  std::vector<std::uint64_t> free_from;  // of each lane
  std::vector<Part> excess;              // begin: how much it lacks
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::uint64_t wanted = length(others[i]);
    const std::uint64_t begin = i * lane;
    const std::uint64_t own = std::min(wanted, lane);
    parts_.push_back({begin, own, others[i]});
    free_from.push_back(begin + own);
    if (wanted > own) excess.push_back({wanted - own, 0, others[i]});
  }
  for (Part& lacking : excess) {
    for (std::size_t i = others.size(); i-- > 0 && lacking.begin > 0;) {
      const std::uint64_t taken = std::min(lacking.begin, (i + 1) * lane - free_from[i]);
      if (taken == 0) continue;
      parts_.push_back({free_from[i], taken, lacking.variant});
      free_from[i] += taken;
      lacking.begin -= taken;
    }
  }
  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.begin < b.begin; });
}

bool takes_part(const Participation& participation, std::string_view salt, std::string_view key) {
  if (participation.holdout <= 0 && participation.eligible >= 1) return true;
  const std::string base(salt);
  if (participation.holdout > 0 &&
      place(hash_key(base + "/holdout", key)) < participation.holdout) {
    return false;
  }
  return participation.eligible >= 1 ||
         place(hash_key(base + "/eligible", key)) < participation.eligible;
}

}  // namespace duet::experiment
