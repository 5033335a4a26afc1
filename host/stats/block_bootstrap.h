// How far a figure of a finished run can be trusted: intervals by resampling blocks. For the lab,
// where nobody looks before the end.
//
// What one request of a block met, the next one met too, so requests are not independent but
// blocks nearly are: whole blocks are drawn again with replacement, all arms of a round together
// (Kalibera & Jones, "Rigorous benchmarking in reasonable time", ISMM 2013). Where neighbouring
// blocks resemble each other, runs of several are drawn (the circular block bootstrap of Politis &
// Romano 1992, of a length after Politis & White 2004), and the percentiles are moved outward as
// few blocks demand it (the expanded percentile interval of Hesterberg 2015).
//
// Pure: the same seed gives the same interval. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace duet::stats {

// With fewer there is no interval: resamples of them say nothing.
inline constexpr std::uint32_t kFewestBlocks = 10;
// A quantile with fewer observations than that on its far side has no interval either.
inline constexpr double kFewestBeyond = 10;

// How often each block was drawn.
using Draw = std::span<const std::uint32_t>;

struct Observation {
  double value = 0;  // infinite for what never came
  std::uint32_t block = 0;
  std::uint32_t count = 1;  // so many of that value
};

// The observations of one arm, made ready for quantiles of many resamples: one of them costs some
// hundred nanoseconds, however many observations there are.
class BlockedSample {
 public:
  // Each `block` is below `blocks`. Values are no NaN.
  BlockedSample(std::vector<Observation> observations, std::uint32_t blocks);

  std::uint32_t blocks() const { return static_cast<std::uint32_t>(counts_.size()); }
  std::uint64_t size() const { return size_; }
  // Nearest rank; NaN when the drawn blocks are empty. 0 < p <= 1.
  double quantile(double p, Draw draw) const;
  double mean(Draw draw) const;
  double quantile(double p) const { return quantile(p, all_); }
  double mean() const { return mean(all_); }
  // Of each block by itself; NaN where a block is empty.
  std::vector<double> block_quantiles(double p) const;
  std::vector<double> block_means() const;
  const std::vector<Observation>& ascending() const { return ascending_; }

 private:
  double weight_at(std::size_t checkpoint, Draw draw) const;

  std::vector<Observation> ascending_;
  std::vector<double> counts_, sums_;  // by block
  std::vector<std::uint32_t> all_;     // each block once
  // counts of what is before each stride-th observation, by block
  std::vector<std::uint32_t> before_;
  std::size_t stride_ = 1;
  std::uint64_t size_ = 0;
};

struct BootstrapOptions {
  double confidence = 0.95;
  int resamples = 2000;
  std::uint64_t seed = 1;
};

struct BlockInterval {
  double low = 0, high = 0;
};

// What neighbouring blocks have to do with each other.
struct Dependence {
  std::uint32_t length = 1;  // so many are drawn together
  double widen = 1;          // the deviation of such resamples is too small by this factor
};
// From the same figure of each block. For a first-order autoregression with the correlation r that
// is observed (its bias of (1 + 4r) / n put right, and one standard error up, since an interval
// from too small an r is too narrow by more than one from too large an r is too wide; from the
// blocks after next where that gives more, because a block's own noise hides the correlation of
// levels): with D = 2r / (1 - r^2) the length is (1.5 D^2 n)^(1/3), at most a fifth of the blocks
// (Politis & White 2004, section 3), and resamples of that length have 1 - D / length of the
// variance. No correlation or a negative one: 1 and 1.
Dependence dependence(std::span<const double> values);

// Of `statistic`, a function of how often each block counts. Nothing with fewer than kFewestBlocks
// blocks, or when more than a hundredth of the resamples have no figure (NaN).
std::optional<BlockInterval> block_interval(std::uint32_t blocks, const Dependence& dependence,
                                            const std::function<double(Draw)>& statistic,
                                            const BootstrapOptions& options = {});

// Student's t: the value that a share p does not exceed, 0.5 <= p < 1. Cornish-Fisher (Abramowitz &
// Stegun 26.7.5), to 0.5% from 4 degrees of freedom on.
double student_quantile(double p, double degrees);

}  // namespace duet::stats
