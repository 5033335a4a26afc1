// A server with scripted latencies and a stall of 1.4 s: the open loop reports the truth, the
// closed loop does not see it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/bench/generator.h"
#include "host/bench/summary.h"
#include "tests/support/duet_host.h"

namespace duet::bench {
namespace {

using testing_support::DuetHost;
using testing_support::TemporaryDirectory;

constexpr double kQuantiles[] = {0.5, 0.99, 0.999};

class TimingBenchTruth : public ::testing::Test {
 protected:
  // The server answers after `low` to `high` microseconds.
  void start(int low, int high) {
    low_ = low * 1e3;
    high_ = high * 1e3;
    directory_.write("duet.toml",
                     "[handlers.scripted]\nsource = \"scripted.so\"\n"
                     "env = { LOW_US = \"" +
                         std::to_string(low) + "\", HIGH_US = \"" + std::to_string(high) +
                         "\", STALL_AT_MS = \"1000\", STALL_MS = \"1400\" }\n"
                         "[[routes]]\npath = \"/{rest...}\"\nhandler = \"scripted\"\n");
    host_.emplace(testing_support::HostOptions{
        .arguments = {}, .environment = {}, .directory = directory_.path(), .listeners = 1});
  }

  static Schedule plan(Arrivals arrivals) {
    return *make_schedule({.arrivals = arrivals,
                           .rate = 250,
                           .duration = 5 * kSecond,
                           .block = kSecond,
                           .gap = 0,
                           .arms = 1,
                           .texts = {1},
                           .seed = 7});
  }

  // Runs for 5 s; gives the samples, and the instant of their start.
  Schedule run(Arrivals arrivals, std::uint32_t connections) {
    Schedule schedule = plan(arrivals);
    const Url url = *parse_url(host_->address());
    std::vector<Target> targets(1);
    targets[0].address = *resolve(url);
    targets[0].texts.push_back(*request_text(
        {.method = "GET", .path = "/", .fields = {}, .body = ""}, url.authority, true));
    auto generator = Generator::create(std::move(targets), {.connections = connections});
    EXPECT_TRUE(generator.ok());
    const Result<void> connected = (*generator)->connect();
    EXPECT_TRUE(connected.ok()) << connected.error().to_string();
    (*generator)->run(schedule, arrivals == Arrivals::kClosed);
    start_ = (*generator)->started();
    record_ = nlohmann::json::parse(host_->client().get("/record").body);
    return schedule;
  }

  // What each request's latency is by the script, given when the loop stood still.
  std::vector<Nanos> truth(const std::vector<Sample>& samples) const {
    const std::size_t stalled = record_["stall"]["request"];
    const Nanos from = record_["stall"]["from"].get<Nanos>() - start_;
    const Nanos to = record_["stall"]["to"].get<Nanos>() - start_;
    std::vector<Nanos> latencies;
    for (std::size_t k = 0; k < samples.size(); ++k) {
      const Nanos handled = k >= stalled && samples[k].due < to ? to : samples[k].due;
      const double part = static_cast<double>(k) * 0.6180339887498949;
      Nanos answered =
          handled + static_cast<Nanos>(low_ + (high_ - low_) * (part - std::floor(part)));
      if (answered > from && answered < to) answered = to;
      latencies.push_back(answered - samples[k].due);
    }
    return latencies;
  }

  // What each request's latency was by the server's own record, ascending.
  std::vector<Nanos> recorded(const std::vector<Sample>& samples) const {
    std::vector<Nanos> latencies;
    for (std::size_t k = 0; k < samples.size(); ++k) {
      latencies.push_back(record_["answered"][k].get<Nanos>() - start_ - samples[k].due);
    }
    std::sort(latencies.begin(), latencies.end());
    return latencies;
  }

  TemporaryDirectory directory_;
  std::optional<DuetHost> host_;
  nlohmann::json record_;
  Nanos start_ = 0;
  double low_ = 0, high_ = 0;  // ns
};

TEST_F(TimingBenchTruth, OpenLoopReportsTheTruthIncludingTheStall) {
  start(60'000, 100'000);
  const Schedule schedule = run(Arrivals::kPoisson, 450);
  const Summary summary = summarize(schedule, 0);
  ASSERT_EQ(summary.answered, schedule.samples.size());
  ASSERT_EQ(record_["answered"].size(), schedule.samples.size());

  std::vector<Nanos> expected = truth(schedule.samples);
  std::sort(expected.begin(), expected.end());
  const std::vector<Nanos> actual = recorded(schedule.samples);
  for (const double p : kQuantiles) {
    const auto kept = static_cast<double>(quantile_of(actual, p));
    EXPECT_NEAR(static_cast<double>(summary.latency_at(p)) / kept, 1, 0.01)
        << "p" << p * 100 << ", " << kept << " ns by the server's own record";
  }
  // On a busy machine neither the requests nor the answers keep to the script: the server's own
  // record says so, and then the script is not the truth.
  for (const double p : kQuantiles) {
    const auto wanted = static_cast<double>(quantile_of(expected, p));
    const auto kept = static_cast<double>(quantile_of(actual, p));
    if (std::abs(kept / wanted - 1) > 0.005) {
      GTEST_SKIP() << "the machine is too busy for the script: p" << p * 100 << " is " << kept
                   << " ns by the server's own record, " << wanted << " by the script";
    }
  }
  for (const double p : kQuantiles) {
    const auto wanted = static_cast<double>(quantile_of(expected, p));
    EXPECT_NEAR(static_cast<double>(summary.latency_at(p)) / wanted, 1, 0.01)
        << "p" << p * 100 << ", " << wanted << " ns";
  }
  EXPECT_GT(quantile_of(expected, 0.99), kSecond);  // the stall is in the truth
}

TEST_F(TimingBenchTruth, ClosedLoopIsOffByTwoOrdersOfMagnitude) {
  start(2'000, 6'000);
  const Schedule schedule = run(Arrivals::kClosed, 4);
  const Summary closed = summarize(schedule, 0);
  ASSERT_GT(closed.answered, 1000u);
  // What users at a steady rate would have seen of the same server.
  const Schedule users = plan(Arrivals::kPoisson);
  const Nanos from = record_["stall"]["from"].get<Nanos>() - start_;
  const Nanos to = record_["stall"]["to"].get<Nanos>() - start_;
  std::vector<Nanos> seen;
  for (const Sample& sample : users.samples) {
    const Nanos handled = sample.due >= from && sample.due < to ? to : sample.due;
    seen.push_back(handled + static_cast<Nanos>(low_) - sample.due);  // at the least
  }
  std::sort(seen.begin(), seen.end());
  const auto truth = static_cast<double>(quantile_of(seen, 0.99));
  const auto reported = static_cast<double>(closed.latency_at(0.99));
  const std::vector<Nanos> actual = recorded(schedule.samples);
  if (const auto kept = static_cast<double>(quantile_of(actual, 0.99)); kept > 1.5 * high_) {
    GTEST_SKIP() << "the machine is too busy for the script: p99 is " << kept
                 << " ns by the server's own record, at most " << high_ << " by the script";
  }
  EXPECT_GT(truth / reported, 100) << truth << " ns, and the closed loop says " << reported;
}

}  // namespace
}  // namespace duet::bench
