// Every formula against reference values: 1e-9 relative, 1e-12 absolute near zero.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "host/stats/kernel.h"
#include "host/stats/mean.h"
#include "host/stats/quantile.h"

namespace duet::stats {
namespace {

using Json = nlohmann::json;

void hold_against_reference(const std::string& function, const std::string& result,
                            std::size_t rows, const std::function<double(const Json&)>& formula) {
  std::ifstream file(DUET_REFERENCE_VECTORS);
  const Json all = Json::parse(file, nullptr, false);
  ASSERT_TRUE(all.contains(function)) << DUET_REFERENCE_VECTORS;
  ASSERT_EQ(all[function].size(), rows);
  for (const Json& row : all[function]) {
    const double expected = row[result];
    EXPECT_NEAR(formula(row), expected, std::max(1e-12, 1e-9 * std::abs(expected))) << row;
  }
}

std::vector<double> list(const Json& value) { return value.get<std::vector<double>>(); }

TEST(Reference, LogE) {
  hold_against_reference("log_e", "log_e", 60,
                         [](const Json& r) { return log_e(r["k"], r["n"], r["theta"], r["c"]); });
}

TEST(Reference, LogEMulti) {
  hold_against_reference("log_e_multi", "log_e", 20, [](const Json& r) {
    return log_e_multi(list(r["counts"]), list(r["weights"]), r["c"]);
  });
}

TEST(Reference, Concentration) {
  hold_against_reference("concentration", "c", 20,
                         [](const Json& r) { return concentration(r["t_opt"], r["alpha"]); });
}

TEST(Reference, UniformRadius) {
  hold_against_reference("uniform_radius", "radius", 20,
                         [](const Json& r) { return uniform_radius(r["t"], r["alpha"]); });
}

TEST(Reference, MeanHalfwidth) {
  hold_against_reference("mean_halfwidth", "halfwidth", 20, [](const Json& r) {
    return mean_halfwidth(r["n"], r["se"], r["alpha"], r["n_star"]);
  });
}

TEST(Reference, QuantileLogE) {
  hold_against_reference("quantile_log_e", "log_e", 6, [](const Json& r) {
    return quantile_log_e(list(r["a"]), list(r["b"]), r["p"], r["c"]);
  });
}

}  // namespace
}  // namespace duet::stats
