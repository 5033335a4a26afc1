// What `duet report` makes of the documents of the admin API.
#include "host/cli/report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "host/cli/experiment_words.h"

namespace duet::cli {
namespace {

using Json = nlohmann::json;

// Buckets of a time that is spread evenly over [low, high) microseconds.
Json even(double low, double high, int requests) {
  Json all = Json::array();
  constexpr int kBuckets = 100;
  for (int i = 0; i < kBuckets && requests > 0; ++i) {
    const double from = 1000 * (low + (high - low) * i / kBuckets);
    all.push_back({from, from + 1000 * (high - low) / kBuckets - 1, requests / kBuckets});
  }
  return all;
}

Json variant(const char* name, int requests, double low, double high) {
  return {{"name", name},
          {"handler", name},
          {"control", false},
          {"aa", false},
          {"share", 0.5},
          {"rolled_back", false},
          {"unavailable", nullptr},
          {"requests", requests},
          {"errors", requests / 50},
          {"total_us", {{"p50", (low + high) / 2}, {"p90", high}, {"p99", high}}},
          {"cpu_us_per_request", 40.0},
          {"cpu_within", requests < 1000 ? Json() : Json(0.1)},
          {"guardrails", Json::array()},
          {"quantiles", Json::array()},
          {"stage_histogram", even(low, high, requests)}};
}

Json quantile(double p, bool called, Json low, Json high) {
  return {{"p", p},
          {"control_us", 100.0},
          {"variant_us", 120.0},
          {"ratio", {{"low", std::move(low)}, {"high", std::move(high)}}},
          {"called", called}};
}

Json experiment(Json js, Json py) {
  js["control"] = true;
  return {{"name", "country"},
          {"state", "running"},
          {"verdict", "a verdict"},
          {"key", "random"},
          {"first_request", 0},
          {"alpha", 0.05},
          {"variants", {std::move(js), std::move(py)}},
          {"split", {{"p_value", 1.0}, {"wrong", false}}},
          {"store", nullptr},
          {"ramp", {{"hold", nullptr}}},
          {"audit", {{{"at", 0}, {"who", "ann"}, {"what", "<b>said\x1b"}}}}};
}

TEST(Report, SaysNothingThatTheRequestsDoNotBack) {
  Json py = variant("py", 15, 100, 200);
  py["quantiles"] = {quantile(0.5, false, 0.0, nullptr)};
  const Report report = report_of(experiment(variant("js", 15, 100, 200), py), nullptr);
  const ReportVariant& one = report.variants[1];
  EXPECT_FALSE(one.p50 || one.p99 || one.cpu);
  EXPECT_TRUE(one.shift.empty());
  EXPECT_EQ(slower(report.quantiles[0].low, report.quantiles[0].high), "not known yet");
  const std::string text = report_text(report), page = report_page(report);
  for (const std::string& said : {text, page}) {
    EXPECT_NE(said.find("too few requests to say"), std::string::npos) << said;
    EXPECT_EQ(said.find("nan"), std::string::npos);
    EXPECT_EQ(said.find("inf"), std::string::npos);
    EXPECT_EQ(said.find("150 µs"), std::string::npos) << "the p50 of 15 requests";
  }
}

TEST(Report, TheShiftIsTheDifferenceOfQuantilesWithinItsBand) {
  const Report report = report_of(
      experiment(variant("js", 40000, 100, 200), variant("py", 40000, 120, 220)), nullptr);
  const auto& shift = report.variants[1].shift;
  ASSERT_GT(shift.size(), 80u);
  EXPECT_GT(shift.front().p, 0.01) << "the band ends where a radius leads out of the sample";
  for (const ShiftPoint& point : shift) {
    EXPECT_NEAR(point.difference, 20, 2);
    EXPECT_LT(point.low, 20);
    EXPECT_GT(point.high, 20);
    EXPECT_NEAR(point.high - point.low, 2 * 100 * (0.0146 + 0.0146), 4.1) << point.p;
  }
  EXPECT_TRUE(report.variants[0].shift.empty()) << "the control is not compared with itself";
}

TEST(Report, SaysRatiosInPercentHoweverLarge) {
  EXPECT_EQ(slower(1.08, 1.13), "8 to 13% slower");
  EXPECT_EQ(slower(0.5, 0.9), "10 to 50% faster");
  EXPECT_EQ(slower(0.6, 3.0), "40% faster to 200% slower");
  EXPECT_EQ(slower(1.0, 1.31), "up to 31% slower");
  EXPECT_EQ(slower(0.8, 1.0), "up to 20% faster");
  EXPECT_EQ(slower(2.5, 14.0), "150 to 1300% slower");
  EXPECT_EQ(slower(1.19, std::nullopt), "19% slower or more");
  EXPECT_EQ(slower(std::nullopt, 0.8), "20% faster or more");
  EXPECT_EQ(slower(0.9, std::nullopt), "not known yet");
}

TEST(Report, CpuBecomesCores) {
  const Report report =
      report_of(experiment(variant("js", 2000, 100, 200), variant("py", 2000, 100, 200)), nullptr);
  EXPECT_DOUBLE_EQ(cores(*report.variants[1].cpu), 0.4);
  EXPECT_DOUBLE_EQ(*report.variants[1].cpu_high, 44);
  EXPECT_NE(report_text(report).find("0.4 (0.36 to 0.44)"), std::string::npos);
}

TEST(Report, PrintsTheRecordOfTheAaArm) {
  Json aa = variant("aa", 2000, 100, 200);
  aa["aa"] = true;
  aa["quantiles"] = {quantile(0.5, false, 0.9, 1.1)};
  EXPECT_EQ(report_of(experiment(variant("js", 2000, 1, 2), aa), nullptr).aa,
            "A/A clean: nothing was called against 'aa' in 2000 requests");
  aa["quantiles"] = {quantile(0.9, true, 1.02, 1.1)};
  EXPECT_TRUE(
      report_of(experiment(variant("js", 2000, 1, 2), aa), nullptr)
          .aa.starts_with("A/A FALSE ALARM: 'aa' is the control once more, and was called by p90"));
  aa["requests"] = 3;
  aa["quantiles"] = Json::array();
  EXPECT_EQ(report_of(experiment(variant("js", 2000, 1, 2), aa), nullptr).aa,
            "A/A: too few requests to say (3)");
}

TEST(Report, WarnsOfHandlersThatDisturbEachOther) {
  const auto handler = [](const char* name, const char* other, double waited) {
    return Json{{"name", name},
                {"total_us", {{"mean", 100.0}}},
                {"requests", 10},
                {"waited_for_us", {{other, waited}}}};
  };
  const Json host = {{"handlers", {handler("js", "py", 400), handler("py", "js", 20)}},
                     {"engines", Json::array({{{"name", "python"},
                                               {"heap_used_bytes", nullptr},
                                               {"heap_total_bytes", 7 << 20},
                                               {"heap_limit_bytes", nullptr}},
                                              {{"name", "http"},
                                               {"heap_used_bytes", nullptr},
                                               {"heap_total_bytes", nullptr},
                                               {"heap_limit_bytes", nullptr}}})},
                     {"memory", {{"resident_bytes", 1 << 20}}}};
  const Report report =
      report_of(experiment(variant("js", 10, 1, 2), variant("py", 10, 1, 2)), host);
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_TRUE(report.warnings[0].starts_with("'js' spends 40% of its time waiting for 'py'"));
  EXPECT_DOUBLE_EQ(report.blame[1][0], 0.02);
  ASSERT_EQ(report.memory.size(), 2u);  // an engine of which nothing is known is left out
  EXPECT_EQ(report.memory[0],
            (std::vector<std::string>{"python", "unknown", "7.0 MiB", "unknown"}));
}

TEST(Report, ThePageStandsAloneAndItsTextIsNoMarkup) {
  const std::string page = report_page(
      report_of(experiment(variant("js", 4000, 100, 200), variant("py", 4000, 120, 220)), nullptr));
  for (const char* part : {"http", "src=", "<script", "url(", "<b>said", "\x1b"}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
  EXPECT_NE(page.find("<polyline"), std::string::npos);
  EXPECT_NE(page.find("class=\"band"), std::string::npos);
}

TEST(Report, SaysARatioOfRatesAndAShareWithoutExponents) {
  EXPECT_EQ(factors(1.054, 3.2), "1.05 to 3.2");
  EXPECT_EQ(factors(std::nullopt, 12345), "0 to 12345");
  EXPECT_EQ(factors(1.05, std::nullopt), "1.05 or more");
  EXPECT_EQ(factors(0.0, std::nullopt), "not known yet");
  ReportVariant variant;
  EXPECT_EQ(failed_share(variant), "0");
  variant.requests = variant.errors = 15;
  EXPECT_EQ(failed_share(variant), "15 (100%)");
  variant.requests = 4000;
  EXPECT_EQ(failed_share(variant), "15 (0.38%)");
}

TEST(Micros, HaveNoExponent) {
  EXPECT_EQ(micros(2.5), "2.5 µs");
  EXPECT_EQ(micros(999.4), "999 µs");
  EXPECT_EQ(micros(999.6), "1 ms");
  EXPECT_EQ(micros(999.6e3), "1 s");
  EXPECT_EQ(micros(999.6e6), "1000 s");
}

}  // namespace
}  // namespace duet::cli
