#include "host/stats/kernel.h"

#include <algorithm>
#include <cmath>

#include "host/stats/nan.h"

namespace duet::stats {

// With r(x, k) = ln(x (x+1) ... (x+k-1)) - k ln(x), the logarithm of a rising factorial over its
// leading term, the powers of theta in the definition cancel, and for any number of arms
//
//   log_e = sum r(c*theta_i, k_i) - r(c, n).
//
// Few observations: the products are multiplied out. Many: by Stirling's formula
//
//   r(x, k) = (x + k - 1/2) ln(1 + k/x) - k + s(x + k) - s(x),
//
// whose large parts add up to (c+n) times the Kullback-Leibler divergence of the posterior's
// proportions from theta. That is a sum of terms that are not negative, so no digits are lost.

namespace {

constexpr double kMostCounts = 9007199254740992.0;  // 2^53
constexpr double kMultipliedOut = 64;  // at most so many observations: products beat Stirling

bool is_count(double value) {
  return value >= 0 && value <= kMostCounts && value == std::floor(value);
}

// r(x, k) term by term.
double rising(double x, double k) {
  double sum = 0;
  for (double i = 1; i < k; ++i) sum += std::log1p(i / x);
  return sum;
}

// What Stirling's formula leaves of ln(Gamma(x)): lnGamma(x) - (x - 1/2) ln(x) + x - ln(2 pi)/2.
double stirling_rest(double x) {
  double rest = 0;
  for (; x < 10; ++x) rest += (x + 0.5) * std::log1p(1 / x) - 1;  // s(x) - s(x+1)
  const double y = 1 / (x * x);  // coefficients B(2j) / (2j (2j-1)); the next is below 3e-17
  return rest + (1.0 / 12 -
                 y * (1.0 / 360 -
                      y * (1.0 / 1260 -
                           y * (1.0 / 1680 - y * (1.0 / 1188 - y * (691.0 / 360360 - y / 156)))))) /
                    x;
}

// (1 + u) ln(1 + u) - u, for u > -1: never negative, without loss near 0.
double divergence(double u) {
  if (std::abs(u) > 0.1) return (1 + u) * std::log1p(u) - u;
  double sum = 0;
  double power = u * u;
  for (int j = 2; j < 24 && power != 0; ++j) {
    const double term = power / (j * (j - 1));
    sum += term;
    if (std::abs(term) < 1e-18 * sum) break;
    power *= -u;
  }
  return sum;
}

// -ln(1 + k/x)/2 + s(x + k) - s(x): what an arm adds beyond its divergence.
double small_part(double x, double k) {
  return stirling_rest(x + k) - stirling_rest(x) - 0.5 * std::log1p(k / x);
}

// The sum over arms, one at a time.
class Evidence {
 public:
  Evidence(double n, double c) : n_(n), c_(c) {}

  // `excess`: k - n theta, which the caller may know better than rounding twice gives it.
  void add(double k, double theta, double excess) {
    if (n_ <= kMultipliedOut) {
      sum_ += rising(c_ * theta, k);
      return;
    }
    const double u = excess / (theta * (c_ + n_));
    // Rounding may put an arm without a count a hair below -1, when n is 2^53 times c.
    sum_ += (c_ + n_) * theta * divergence(std::max(u, -1 + 1e-16)) + small_part(c_ * theta, k);
  }
  double value() const {
    return sum_ - (n_ <= kMultipliedOut ? rising(c_, n_) : small_part(c_, n_));
  }

 private:
  double n_, c_;
  double sum_ = 0;
};

}  // namespace

double log_e(double k, double n, double theta, double c) {
  if (!is_count(k) || !is_count(n) || k > n) return kNan;
  if (!(theta > 0 && theta < 1) || !(c > 0) || !std::isfinite(c)) return kNan;
  if (n <= 1) return 0;  // one observation was as likely as it was expected to be
  Evidence evidence(n, c);
  const double excess = std::fma(-n, theta, k);
  evidence.add(k, theta, excess);
  evidence.add(n - k, 1 - theta, -excess);
  return evidence.value();
}

double log_e_multi(std::span<const double> counts, std::span<const double> weights, double c) {
  if (counts.size() != weights.size() || counts.size() < 2) return kNan;
  if (!(c > 0) || !std::isfinite(c)) return kNan;
  double n = 0;
  double weight = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!is_count(counts[i]) || !(weights[i] > 0)) return kNan;
    n += counts[i];
    weight += weights[i];
  }
  if (n > kMostCounts || !std::isfinite(weight)) return kNan;
  if (n <= 1) return 0;
  Evidence evidence(n, c);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double theta = weights[i] / weight;
    if (!(theta > 0)) return kNan;  // so small beside the others that it vanishes
    evidence.add(counts[i], theta, std::fma(-n, theta, counts[i]));
  }
  return evidence.value();
}

double concentration(double t_opt, double alpha) {
  if (!(t_opt > 0) || !std::isfinite(t_opt) || !(alpha > 0 && alpha < 1)) return kNan;
  const double twice = -2 * std::log(alpha);
  return t_opt / (twice + std::log1p(twice)) - 1;
}

double least_evident_count(double least, double most, double n, double theta) {
  return std::clamp(std::ceil(theta * (n - 1)), least, most);
}

}  // namespace duet::stats
