#include "host/stats/mean.h"

#include <cmath>
#include <limits>

namespace duet::stats {

double mean_halfwidth(double n, double se, double alpha, double n_star) {
  const bool inside = n > 0 && std::isfinite(n) && se >= 0 && std::isfinite(se) && alpha > 0 &&
                      alpha < 1 && n_star > 0 && std::isfinite(n_star);
  if (!inside) return std::numeric_limits<double>::quiet_NaN();
  const double twice = -2 * std::log(alpha);
  const double r2 = (twice + std::log1p(twice)) / n_star;
  const double nr2 = n * r2;
  const double log_ratio = 0.5 * std::log1p(nr2) - std::log(alpha);
  return se * std::sqrt(2 * (nr2 + 1) / nr2 * log_ratio);
}

void Moments::merge(const Moments& other) {
  if (other.count_ == 0) return;
  const double n = static_cast<double>(count_);
  const double m = static_cast<double>(other.count_);
  const double apart = other.mean_ - mean_;
  squares_ += other.squares_ + apart * apart * n * m / (n + m);
  mean_ += apart * m / (n + m);
  count_ += other.count_;
}

Moments IntegerMoments::moments() const {
  Moments moments;
  if (count_ == 0) return moments;
  const auto n = static_cast<Wide>(count_);
  const Wide square = static_cast<Wide>(sum_) * sum_;
  const Wide whole = square / n;
  const double part = static_cast<double>(square % n) / static_cast<double>(n);
  moments.restore(count_, static_cast<double>(sum_) / static_cast<double>(count_),
                  static_cast<double>(squares_ - whole) - part);
  return moments;
}

MeanDifference mean_difference(const Moments& a, const Moments& b, double alpha) {
  const double n_a = static_cast<double>(a.count());
  const double n_b = static_cast<double>(b.count());
  const double se = std::sqrt(a.variance() / n_a + b.variance() / n_b);
  return {b.mean() - a.mean(), mean_halfwidth(n_a + n_b, se, alpha, kMeanTunedAt)};
}

}  // namespace duet::stats
