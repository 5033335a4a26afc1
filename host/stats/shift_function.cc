#include "host/stats/shift_function.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/base/split_mix.h"

namespace duet::stats {

namespace {

constexpr std::size_t kFewestBlocks = 10;

bool inside(double p) { return p > 0 && p < 1; }

double quantile(std::span<const double> counts, std::span<const double> edges, double p) {
  const double all = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double rank = p * all;
  double below = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    last = i;
    if (below + counts[i] >= rank) {
      return edges[i] + (edges[i + 1] - edges[i]) * (rank - below) / counts[i];
    }
    below += counts[i];
  }
  return edges[last + 1];
}

// The sums of blocks, each as often as it was drawn.
class Pool {
 public:
  explicit Pool(std::size_t buckets) : a_(buckets), b_(buckets) {}
  void clear() {
    std::fill(a_.begin(), a_.end(), 0);
    std::fill(b_.begin(), b_.end(), 0);
  }
  void add(const PairedBlock& block, double times) {
    for (std::size_t i = 0; i < a_.size(); ++i) {
      a_[i] += times * block.a[i];
      b_[i] += times * block.b[i];
    }
  }
  bool has_both() const {
    const auto any = [](const std::vector<double>& counts) {
      return std::any_of(counts.begin(), counts.end(), [](double count) { return count > 0; });
    };
    return any(a_) && any(b_);
  }
  double a(std::span<const double> edges, double p) const { return quantile(a_, edges, p); }
  double b(std::span<const double> edges, double p) const { return quantile(b_, edges, p); }

 private:
  std::vector<double> a_, b_;
};

Result<void> check(std::span<const PairedBlock> blocks, std::span<const double> edges,
                   std::span<const double> ps, const ShiftOptions& options) {
  if (blocks.size() < kFewestBlocks) {
    return Error{"there are only " + std::to_string(blocks.size()) + " blocks",
                 {},
                 "run for at least " + std::to_string(kFewestBlocks) + " blocks",
                 {}};
  }
  if (edges.size() < 2 || !std::is_sorted(edges.begin(), edges.end())) {
    return Error{"the edges of the buckets do not ascend", {}, {}, {}};
  }
  for (const PairedBlock& block : blocks) {
    if (block.a.size() + 1 != edges.size() || block.b.size() + 1 != edges.size()) {
      return Error{"a block has another number of buckets than the edges", {}, {}, {}};
    }
  }
  if (!std::all_of(ps.begin(), ps.end(), inside) || !inside(options.confidence) ||
      options.resamples < 100) {
    return Error{
        "p and confidence must lie between 0 and 1, resamples be at least 100", {}, {}, {}};
  }
  return {};
}

double root_mean_square(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

}  // namespace

Result<std::vector<ShiftPoint>> shift_function(std::span<const PairedBlock> blocks,
                                               std::span<const double> edges,
                                               std::span<const double> ps,
                                               const ShiftOptions& options) {
  if (auto checked = check(blocks, edges, ps, options); !checked) return checked.error();
  Pool pool(edges.size() - 1);
  for (const PairedBlock& block : blocks) pool.add(block, 1);
  if (!pool.has_both()) return Error{"an arm has no observations", {}, {}, {}};

  std::vector<ShiftPoint> points;
  for (const double p : ps) {
    const double a = pool.a(edges, p);
    points.push_back({p, a, pool.b(edges, p) - a, 0, 0});
  }
  std::vector<std::vector<double>> deviations(ps.size());  // by p, of each resample
  std::vector<int> drawn(blocks.size());
  std::uint64_t state = options.seed;
  for (int resample = 0; resample < options.resamples; ++resample) {
    std::fill(drawn.begin(), drawn.end(), 0);
    for (std::size_t i = 0; i < blocks.size(); ++i) ++drawn[split_mix(state) % blocks.size()];
    pool.clear();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (drawn[i] > 0) pool.add(blocks[i], drawn[i]);
    }
    if (!pool.has_both()) return Error{"most blocks are without observations", {}, {}, {}};
    for (std::size_t i = 0; i < ps.size(); ++i) {
      const double difference = pool.b(edges, ps[i]) - pool.a(edges, ps[i]);
      deviations[i].push_back(difference - points[i].difference);
    }
  }
  std::vector<double> errors;
  for (const auto& of_p : deviations) errors.push_back(root_mean_square(of_p));
  std::vector<double> largest(static_cast<std::size_t>(options.resamples), 0.0);
  for (std::size_t i = 0; i < ps.size(); ++i) {
    if (errors[i] == 0) continue;  // the quantile does not move: nothing to widen
    for (std::size_t r = 0; r < largest.size(); ++r) {
      largest[r] = std::max(largest[r], std::abs(deviations[i][r]) / errors[i]);
    }
  }
  std::sort(largest.begin(), largest.end());
  const double wide = largest[static_cast<std::size_t>(
      options.confidence * static_cast<double>(largest.size() - 1) + 0.999)];
  for (std::size_t i = 0; i < ps.size(); ++i) {
    points[i].low = points[i].difference - wide * errors[i];
    points[i].high = points[i].difference + wide * errors[i];
  }
  return points;
}

}  // namespace duet::stats
