// Comparing means at any time.
//
// Source: Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence
// sequences", arXiv 2103.06476. Asymptotic: for reports, never the only reason for an action. Pure;
// any thread. Outside a function's domain the result is NaN.
#pragma once

#include <cstdint>

namespace duet::stats {

// How far the mean difference of two arms is at most from the true one, at all times:
//
//   sqrt(n SE^2) sqrt(2 (n r^2 + 1) / (n^2 r^2) ln(sqrt(n r^2 + 1) / alpha)),
//   r = sqrt((-2 ln(alpha) + ln(1 - 2 ln(alpha))) / n_star)
//
// n: observations of both arms; se: standard error of the difference, in its unit; n_star: the n at
// which the interval is to be narrowest (5,000 throughout duet).
// Domain: n > 0, se >= 0, 0 < alpha < 1, n_star > 0.
double mean_halfwidth(double n, double se, double alpha, double n_star);

inline constexpr double kMeanTunedAt = 5000;

// Count, mean and variance of a stream, in constant space; merging is exact up to rounding.
class Moments {
 public:
  void add(double value) {
    ++count_;
    const double from_old = value - mean_;
    mean_ += from_old / static_cast<double>(count_);
    squares_ += from_old * (value - mean_);
  }
  void merge(const Moments& other);

  // Continues where another one stopped, by its count(), mean() and squares().
  void restore(std::uint64_t count, double mean, double squares) {
    count_ = count;
    mean_ = mean;
    squares_ = squares;
  }
  double squares() const { return squares_; }

  std::uint64_t count() const { return count_; }
  double mean() const { return mean_; }  // 0 when empty
  double variance() const {              // of one observation; NaN below two
    return count_ < 2 ? __builtin_nan("") : squares_ / static_cast<double>(count_ - 1);
  }

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // sum of squared distances from the mean
};

// The same of whole numbers, exactly, and without the division a value that the next one waits for.
// Domain: values whose sum stays within +-2^63.
class IntegerMoments {
 public:
  void add(std::int64_t value) {
    ++count_;
    sum_ += value;
    squares_ += static_cast<Wide>(value) * value;
  }
  std::int64_t sum() const { return sum_; }
  Moments moments() const;

 private:
  __extension__ using Wide = __int128;
  std::uint64_t count_ = 0;
  std::int64_t sum_ = 0;
  Wide squares_ = 0;
};

struct MeanDifference {
  double difference = 0;  // mean of b - mean of a
  double halfwidth = 0;   // NaN when an arm has fewer than two observations
};
MeanDifference mean_difference(const Moments& a, const Moments& b, double alpha);

}  // namespace duet::stats
