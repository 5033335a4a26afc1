#include "host/measure/exposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "tests/unit/measure/sample_snapshot.h"

namespace duet::measure {
namespace {

constexpr auto kPrometheus = ExpositionFormat::kPrometheus;
constexpr auto kOpenMetrics = ExpositionFormat::kOpenMetrics;
constexpr auto kProtobuf = ExpositionFormat::kProtobuf;

std::string page(Sample& sample, ExpositionFormat format) {
  EngineSnapshot node;
  node.name = "javascript";
  node.heap_used = 5'000'000;
  node.heap_total = 8'000'000;
  node.gc_count = 12;
  node.gc_time = 34 * kMillisecond;
  EngineSnapshot python;
  python.name = "python";
  python.gc_count = 3;
  python.gc_time = kMillisecond;
  return expose(sample.metrics, take_snapshot(sample.metrics, {node, python}), format);
}

// The value of the sample that begins with `series`, or NaN.
double value_of(const std::string& text, const std::string& series) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(series + " ")) return std::stod(line.substr(series.size() + 1));
  }
  return NAN;
}

TEST(Exposition, AcceptDecidesTheFormat) {
  EXPECT_EQ(negotiate_exposition(""), kPrometheus);
  EXPECT_EQ(negotiate_exposition("*/*"), kPrometheus);
  EXPECT_EQ(negotiate_exposition("text/plain"), kPrometheus);
  EXPECT_EQ(negotiate_exposition("application/openmetrics-text"), kOpenMetrics);
  // Prometheus 2 and 3.
  EXPECT_EQ(negotiate_exposition("application/openmetrics-text;version=1.0.0,"
                                 "application/openmetrics-text;version=0.0.1;q=0.75,"
                                 "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            kOpenMetrics);
  EXPECT_EQ(negotiate_exposition("application/openmetrics-text;q=0.3, text/plain;q=0.9"),
            kPrometheus);
  EXPECT_EQ(negotiate_exposition("application/openmetrics-text; q=0"), kPrometheus);
  EXPECT_EQ(negotiate_exposition("Application/OpenMetrics-Text ; Q=0.8 , */* ; q=0.8"),
            kOpenMetrics);
  EXPECT_EQ(negotiate_exposition(";;,,q=1"), kPrometheus);
  // Prometheus that scrapes native histograms.
  const std::string protobuf =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  EXPECT_EQ(negotiate_exposition(protobuf + ";q=0.6,application/openmetrics-text;version=1.0.0;"
                                            "q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"),
            kProtobuf);
  EXPECT_EQ(negotiate_exposition(protobuf + ";q=0.5,application/openmetrics-text;q=0.6"),
            kOpenMetrics);
  EXPECT_EQ(
      negotiate_exposition("application/vnd.google.protobuf;proto=other;q=1,text/plain;q=0.1"),
      kPrometheus);
  EXPECT_EQ(negotiate_exposition("application/vnd.google.protobuf;encoding=text"), kPrometheus);
  EXPECT_EQ(content_type(kOpenMetrics),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

TEST(Exposition, HasTheRequestsByRouteMethodAndStatus) {
  Sample sample;
  sample.run();
  const std::string text = page(sample, kPrometheus);
  const std::string ok =
      "{http_request_method=\"GET\",http_response_status_code=\"200\",http_route=\"/js/{code}\","
      "url_scheme=\"http\",duet_handler=\"country_js\",duet_language=\"javascript\"";
  const std::string name = "http_server_request_duration_seconds";
  EXPECT_EQ(value_of(text, name + "_count" + ok + "}"), 110);
  EXPECT_EQ(value_of(text, name + "_bucket" + ok + ",le=\"1e-05\"}"), 0);
  EXPECT_EQ(value_of(text, name + "_bucket" + ok + ",le=\"2.5e-05\"}"), 100);
  EXPECT_EQ(value_of(text, name + "_bucket" + ok + ",le=\"0.025\"}"), 110);
  EXPECT_EQ(value_of(text, name + "_bucket" + ok + ",le=\"+Inf\"}"), 110);
  EXPECT_NEAR(value_of(text, name + "_sum" + ok + "}"), 100 * 15e-6 + 10 * 10e-3, 1e-3);
  EXPECT_NE(text.find("http_response_status_code=\"500\",http_route=\"/py/{code}\""),
            std::string::npos);
}

TEST(Exposition, HasPhasesBlameCpuAndTheProcess) {
  Sample sample;
  sample.run();
  const std::string text = page(sample, kPrometheus);
  EXPECT_EQ(value_of(text, "duet_phase_seconds_count{handler=\"country_js\",phase=\"run\"}"), 110);
  EXPECT_EQ(
      value_of(text,
               "duet_phase_seconds_bucket{handler=\"country_js\",phase=\"run\",le=\"1e-06\"}"),
      0);
  EXPECT_EQ(
      value_of(text,
               "duet_phase_seconds_bucket{handler=\"country_js\",phase=\"run\",le=\"2.5e-06\"}"),
      110);
  EXPECT_NEAR(
      value_of(text, "duet_blame_seconds_total{waiting=\"country_js\",holding=\"country_py\"}"),
      0.1, 0.002);
  EXPECT_EQ(value_of(text, "duet_unaccounted_seconds_sum{handler=\"country_js\"}"), 0);
  EXPECT_EQ(
      value_of(text,
               "http_server_active_requests{duet_handler=\"country_py\",duet_language=\"python\"}"),
      0);
  EXPECT_EQ(value_of(text, "nodejs_heap_size_used_bytes"), 5'000'000);
  EXPECT_EQ(value_of(text, "python_gc_collections_total"), 3);
  EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1'000'000);
  EXPECT_GT(value_of(text, "process_start_time_seconds"), 1.7e9);
  EXPECT_FALSE(
      std::isnan(value_of(text, "duet_cpu_seconds_total{handler=\"country_js\",part=\"run\"}")));
  EXPECT_FALSE(std::isnan(value_of(text, "process_cpu_seconds_total")));
}

// What promtool checks, and OpenMetrics on top: every sample belongs to the family above it, names
// and types appear once, series are unique, counters are called _total, units end names, buckets
// grow, and the last of them is the count.
void check(const std::string& text, ExpositionFormat format) {
  const bool open = format == kOpenMetrics;
  std::set<std::string> families, series;
  std::string family, type;
  double bucket = 0;
  std::istringstream lines(text);
  bool ended = false;
  for (std::string line; std::getline(lines, line);) {
    ASSERT_FALSE(ended) << "after # EOF: " << line;
    ASSERT_FALSE(line.empty());
    std::istringstream words(line);
    std::string hash, what, name;
    if (line[0] == '#') {
      words >> hash >> what >> name;
      if (what == "EOF") {
        ended = true;
      } else if (what == "HELP") {
        EXPECT_TRUE(families.insert(name).second) << name << " twice";
        family = name;
      } else if (what == "TYPE") {
        EXPECT_EQ(name, family);
        words >> type;
        EXPECT_EQ(family.ends_with("_total"), type == "counter" && !open) << family;
      } else {
        ASSERT_EQ(what, "UNIT");
        EXPECT_TRUE(open);
        std::string unit;
        words >> unit;
        EXPECT_TRUE(family.ends_with("_" + unit)) << family;
      }
      continue;
    }
    const std::size_t space = line.rfind(' ');
    const std::string key = line.substr(0, space);
    const double value = std::stod(line.substr(space + 1));
    EXPECT_TRUE(series.insert(key).second) << key << " twice";
    const std::string sample = key.substr(0, key.find('{'));
    ASSERT_TRUE(sample.starts_with(family)) << line;
    const std::string suffix = sample.substr(family.size());
    if (type == "histogram") {
      if (suffix == "_bucket") {
        if (key.find("le=\"" + std::string("1e-06")) != std::string::npos) bucket = 0;
        EXPECT_TRUE(value >= bucket || bucket == 0) << line;
        bucket = value;
        if (key.find("le=\"+Inf\"") == std::string::npos) {
          const std::string bound = key.substr(key.find("le=\"") + 4);
          EXPECT_NE(bound.find_first_of(".e"), std::string::npos) << "not canonical: " << line;
        }
      } else if (suffix == "_count") {
        EXPECT_EQ(value, bucket) << line;
        bucket = 0;
      } else {
        EXPECT_EQ(suffix, "_sum") << line;
      }
    } else {
      EXPECT_EQ(suffix, type == "counter" && open ? "_total" : "") << line;
      EXPECT_TRUE(type != "counter" || value >= 0) << line;
    }
  }
  EXPECT_EQ(ended, open);
  EXPECT_EQ(text.back(), '\n');
}

TEST(Exposition, HasExperimentsByVariant) {
  Sample sample;
  Snapshot shot = take_snapshot(sample.metrics, {});
  EXPECT_EQ(expose(sample.metrics, shot, kPrometheus).find("duet_variant"), std::string::npos);
  shot.experiments.push_back(sample_experiment());
  const std::string text = expose(sample.metrics, shot, kPrometheus);
  check(text, kPrometheus);
  check(expose(sample.metrics, shot, kOpenMetrics), kOpenMetrics);
  const std::string labels = "{experiment=\"country\",variant=\"py\",handler=\"py\"}";
  EXPECT_EQ(value_of(text, "duet_variant_request_duration_seconds_count" + labels), 40);
  EXPECT_EQ(value_of(text, "duet_variant_request_duration_seconds_sum" + labels), 0.08);
  EXPECT_EQ(value_of(text, "duet_variant_errors_total" + labels), 3);
  EXPECT_EQ(value_of(text, "duet_variant_cpu_seconds" + labels), 0.002);
  EXPECT_EQ(value_of(text, "duet_variant_share" + labels), 0.5);
  EXPECT_EQ(value_of(text, "duet_variant_rolled_back" + labels), 1);
  EXPECT_EQ(value_of(text,
                     "duet_experiment_uncounted_requests_total{experiment=\"country\",why="
                     "\"excluded\"}"),
            8);
  EXPECT_EQ(value_of(text, "duet_experiment_split_wrong{experiment=\"country\"}"), 1);
}

TEST(Exposition, HasShadowTrafficByVariantAndPart) {
  Sample sample;
  Snapshot shot = take_snapshot(sample.metrics, {});
  shot.experiments.push_back(sample_experiment());
  EXPECT_EQ(expose(sample.metrics, shot, kPrometheus).find("duet_shadow"), std::string::npos);
  ShadowFigures& shadow = shot.experiments.back().shadow.emplace();
  shadow.sampled = 50;
  shadow.dropped = {{"no_room", 3}, {"too_old", 2}};
  shadow.waiting = 1;
  shadow.running = 4;
  shadow.variants.resize(2);
  shadow.variants[0] = {.variant = "js", .handler = "js", .control = true, .overdue = 1};
  shadow.variants[1] = {.variant = "py",
                        .handler = "py",
                        .compared = 40,
                        .unanswered = 5,
                        .overdue = 6,
                        .parts = {{"status", 0, 0}, {"body", 38, 7}},
                        .differing = 21,
                        .fields = {{"$.items[\"a b\"]", 38}}};
  const std::string text = expose(sample.metrics, shot, kPrometheus);
  check(text, kPrometheus);
  const std::string open = expose(sample.metrics, shot, kOpenMetrics);
  check(open, kOpenMetrics);
  const auto of = [](const std::string& variant, const std::string& more = "") {
    return "{experiment=\"country\",variant=\"" + variant + "\",handler=\"" + variant + "\"" +
           more + "}";
  };
  for (const std::string& page : {text, open}) {
    EXPECT_EQ(value_of(page, "duet_shadow_sampled_requests_total{experiment=\"country\"}"), 50);
    EXPECT_EQ(value_of(page,
                       "duet_shadow_dropped_requests_total{experiment=\"country\",why="
                       "\"no_room\"}"),
              3);
    EXPECT_EQ(value_of(page, "duet_shadow_active_copies{experiment=\"country\"}"), 4);
    EXPECT_EQ(value_of(page, "duet_shadow_comparisons_total" + of("py")), 40);
    EXPECT_EQ(page.find("duet_shadow_comparisons_total" + of("js")), std::string::npos);
    EXPECT_EQ(value_of(page, "duet_shadow_overdue_copies_total" + of("js")), 1);
    EXPECT_EQ(value_of(page, "duet_shadow_overdue_copies_total" + of("py")), 6);
    EXPECT_EQ(
        value_of(page, "duet_shadow_differences_total" + of("py", ",part=\"body\",of=\"variant\"")),
        38);
    EXPECT_EQ(
        value_of(page, "duet_shadow_differences_total" + of("py", ",part=\"body\",of=\"control\"")),
        7);
    EXPECT_EQ(value_of(page, "duet_shadow_differing_fields" + of("py")), 21);
    EXPECT_EQ(value_of(page, "duet_shadow_field_differences_total" +
                                 of("py", ",field=\"$.items[\\\"a b\\\"]\"")),
              38);
  }
  const std::string protobuf = expose(sample.metrics, shot, kProtobuf);
  for (const char* name : {"duet_shadow_comparisons_total", "duet_shadow_field_differences_total",
                           "duet_shadow_active_copies"}) {
    EXPECT_NE(protobuf.find(name), std::string::npos) << name;
  }
}

TEST(Exposition, IsWellFormedInBothFormats) {
  Sample sample;
  sample.run();
  sample.metrics.started(1);
  check(page(sample, kPrometheus), kPrometheus);
  check(page(sample, kOpenMetrics), kOpenMetrics);
}

TEST(Exposition, OfAHostWithoutHandlersIsWellFormed) {
  Ledger ledger;
  Metrics metrics(ledger);
  for (const auto format : {kPrometheus, kOpenMetrics}) {
    check(expose(metrics, take_snapshot(metrics, {}), format), format);
  }
}

TEST(Exposition, EscapesWhateverAHandlerIsCalled) {
  ExpositionWriter out(kPrometheus);
  out.family("x", ExpositionWriter::Type::kGauge, "", "a\\b\nc");
  out.sample({{"handler", "q\"b\\n\nend"}, {"route", ""}, {"bytes", "\xff\xc3\xa4\xed\xa0\x80"}},
             1.5);
  EXPECT_EQ(std::move(out).finish(),
            "# HELP x a\\\\b\\nc\n# TYPE x gauge\n"
            "x{handler=\"q\\\"b\\\\n\\nend\",bytes="
            "\"\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"} 1.5\n");
}

}  // namespace
}  // namespace duet::measure
