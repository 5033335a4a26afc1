#include "host/stats/kernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace duet::stats {
namespace {

// The definition, as it is written down: right for small counts.
double by_definition(double k, double n, double theta, double c) {
  const auto log_beta = [](double a, double b) {
    return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
  };
  return log_beta(c * theta + k, c * (1 - theta) + n - k) - log_beta(c * theta, c * (1 - theta)) -
         k * std::log(theta) - (n - k) * std::log1p(-theta);
}

TEST(Kernel, IsTheDefinitionOnBothSidesOfTheChangeOfMethod) {
  for (const double n : {2.0, 63.0, 64.0, 65.0, 66.0, 300.0}) {
    for (const double theta : {0.01, 0.5, 0.93}) {
      for (const double c : {0.5, 20.0, 1000.0}) {
        for (const double k : {0.0, 1.0, std::floor(n / 2), n}) {
          EXPECT_NEAR(log_e(k, n, theta, c), by_definition(k, n, theta, c), 1e-10)
              << k << " of " << n << ", theta " << theta << ", c " << c;
        }
      }
    }
  }
}

// The sum over all outcomes of probability times evidence is 1: what makes it a martingale.
TEST(Kernel, IsExpectedToStayWhereItIs) {
  for (const double n : {5.0, 80.0, 400.0}) {
    for (const double theta : {0.02, 0.4}) {
      double expected = 0;
      for (double k = 0; k <= n; ++k) {
        const double log_chance = std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                                  k * std::log(theta) + (n - k) * std::log1p(-theta);
        expected += std::exp(log_chance + log_e(k, n, theta, 30));
      }
      EXPECT_NEAR(expected, 1, 1e-10) << n << " " << theta;
    }
  }
}

TEST(Kernel, OneObservationTellsNothing) {
  EXPECT_EQ(log_e(0, 0, 0.3, 10), 0);
  EXPECT_EQ(log_e(0, 1, 0.3, 10), 0);
  EXPECT_EQ(log_e(1, 1, 0.999, 1e4), 0);
}

TEST(Kernel, HugeCountsKeepTheirDigits) {
  // mpmath, 60 digits, of exactly these doubles.
  EXPECT_NEAR(log_e(243627189599, 588677436395, 0.4138574895066073, 403005.14525377855),
              -0.46436546449683425, 1e-12);
  EXPECT_NEAR(log_e(17433729, 2596705158, 0.0067168823583753845, 65977179.86616146),
              -0.03170790630856468, 1e-12);
  EXPECT_TRUE(std::isfinite(log_e(0, 9007199254740992.0, 0.5, 1e-3)));
}

TEST(Kernel, OutsideItsDomainIsNan) {
  const double inf = std::numeric_limits<double>::infinity();
  for (const double value :
       {log_e(2, 1, 0.5, 1), log_e(-1, 1, 0.5, 1), log_e(0.5, 1, 0.5, 1), log_e(1, 2, 0, 1),
        log_e(1, 2, 1, 1), log_e(1, 2, 0.5, 0), log_e(1, 2, 0.5, inf), log_e(1, inf, 0.5, 1),
        log_e(NAN, 2, 0.5, 1), concentration(0, 0.05), concentration(10, 1), concentration(10, 0),
        concentration(inf, 0.5)}) {
    EXPECT_TRUE(std::isnan(value)) << value;
  }
}

TEST(Kernel, TwoArmsAreTheBinomialForm) {
  const double counts[] = {130, 70};
  const double weights[] = {3, 2};
  EXPECT_NEAR(log_e_multi(counts, weights, 50), log_e(130, 200, 0.6, 50), 1e-12);
}

TEST(Kernel, WeightsNeedNotAddUpToOne) {
  const double counts[] = {1300, 720, 990};
  const double parts[] = {3, 2, 5};
  const double shares[] = {0.3, 0.2, 0.5};
  EXPECT_NEAR(log_e_multi(counts, parts, 50), log_e_multi(counts, shares, 50), 1e-9);
  const std::vector<double> wrong[] = {
      {3, 2}, {3, 0, 5}, {3, -1, 5}, {3, NAN, 5}, {1e308, 1e308, 1}};
  for (const auto& weights : wrong) {
    EXPECT_TRUE(std::isnan(log_e_multi(counts, weights, 50)));
  }
}

TEST(Kernel, TheLeastEvidentCountIsNowhereUndercut) {
  for (const double theta : {0.01, 0.37, 0.5, 0.99}) {
    for (const double n : {1.0, 7.0, 100.0, 101.0}) {
      for (double least = 0; least <= n; least += 3) {
        const double most = std::min(n, least + 4);
        const double best = log_e(least_evident_count(least, most, n, theta), n, theta, 10);
        for (double k = least; k <= most; ++k) {
          EXPECT_GE(log_e(k, n, theta, 10), best - 1e-12) << k << " of " << n << ", " << theta;
        }
      }
    }
  }
}

TEST(Kernel, ConcentrationIsTunedForItsSample) {
  // With the c for 1,000 observations the least excess that is told apart after 1,000 is smaller
  // than with a c for far fewer or far more.
  const auto needed = [](double c) {
    double k = 500;
    while (log_e(k, 1000, 0.5, c) < std::log(20)) ++k;
    return k;
  };
  const double tuned = needed(concentration(1000, 0.05));
  EXPECT_LT(tuned, needed(concentration(20, 0.05)));
  EXPECT_LT(tuned, needed(concentration(60000, 0.05)));
}

}  // namespace
}  // namespace duet::stats
