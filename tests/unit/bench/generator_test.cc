// The generator against the host's own server: every request has the outcome that it really had.
#include "host/bench/generator.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "host/bench/summary.h"
#include "tests/support/test_server.h"

namespace duet::bench {
namespace {

using testing_support::answer;
using testing_support::TestServer;

Target target_of(const std::string& address, const std::vector<RequestSpec>& specs = {{}},
                 bool keep_alive = true) {
  const std::string url = address.starts_with("http://") ? address : "http://" + address;
  const Url parsed = *parse_url(url);
  Target target;
  target.address = *resolve(parsed);
  for (const RequestSpec& spec : specs) {
    target.texts.push_back(*request_text(spec, parsed.authority, keep_alive));
  }
  return target;
}

struct Finished {
  Schedule schedule;
  Summary summary;
  std::string trouble;
};

Finished run(const Target& target, const Generator::Options& options, double rate = 2000,
             Arrivals arrivals = Arrivals::kConstant) {
  Finished result;
  result.schedule = *make_schedule({.arrivals = arrivals,
                                    .rate = rate,
                                    .duration = 200 * kMillisecond,
                                    .block = 100 * kMillisecond,
                                    .gap = 0,
                                    .arms = 1,
                                    .texts = {static_cast<std::uint32_t>(target.texts.size())}});
  auto generator = Generator::create({target}, options);
  EXPECT_TRUE(generator.ok());
  const Result<void> connected = (*generator)->connect();
  EXPECT_TRUE(connected.ok()) << connected.error().to_string();
  (*generator)->run(result.schedule, arrivals == Arrivals::kClosed);
  result.summary = summarize(result.schedule, 0);
  result.trouble = (*generator)->trouble(0);
  return result;
}

TEST(Generator, EveryRequestIsAnsweredAndItsInstantsAreInOrder) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) { answer(exchange, "hello"); };
  for (const std::uint32_t depth : {1u, 8u}) {
    const Finished done = run(target_of(server.address()), {.connections = 4, .depth = depth});
    EXPECT_EQ(done.summary.requests, 400u);
    EXPECT_EQ(done.summary.answered, 400u);
    EXPECT_EQ(done.summary.changed, 0u);
    for (const Sample& sample : done.schedule.samples) {
      ASSERT_LE(sample.due, sample.tried);
      ASSERT_LE(sample.tried, sample.sent);
      ASSERT_LE(sample.sent, sample.done);
      ASSERT_EQ(sample.latency(), sample.lag() + sample.queueing() + sample.service());
    }
  }
}

TEST(Generator, WithoutKeepAliveEachRequestHasItsConnection) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) { answer(exchange, "hello"); };
  const Finished done = run(target_of(server.address(), {{}}, false),
                            {.connections = 16, .depth = 1, .keep_alive = false}, 500);
  EXPECT_EQ(done.summary.answered, 100u) << done.trouble;
  EXPECT_EQ(server.service.served.size(), 100u);
}

TEST(Generator, TellsErrorsAndChangedAnswersApart) {
  TestServer server;
  int count = 0;
  server.service.on_request = [&count](Exchange& exchange) {
    const int number = count++;
    answer(exchange, number % 10 == 3 ? "another length" : "hello", number % 10 == 7 ? 500 : 200);
  };
  const Finished done = run(target_of(server.address()), {.connections = 1});
  EXPECT_EQ(done.summary.answered, 400u);
  EXPECT_EQ(done.summary.bad_status, 40u);
  EXPECT_EQ(done.summary.changed, 80u);
}

TEST(Generator, HeadHasNoBodyAndPostHasOne) {
  TestServer server;
  const auto reply = [](Exchange& exchange) { answer(exchange, "hello"); };
  server.service.on_request = [reply](Exchange& exchange) {
    if (exchange.want_body(BodyDemand::kWhole)) reply(exchange);
  };
  server.service.on_body_ready = reply;
  const Finished done =
      run(target_of(
              server.address(),
              {{.method = "HEAD", .path = "/h", .fields = {}, .body = ""},
               {.method = "POST", .path = "/p", .fields = {}, .body = std::string(100'000, 'x')}}),
          {.connections = 2, .depth = 4}, 500);
  EXPECT_EQ(done.summary.answered, 100u);
}

TEST(Generator, UnansweredRequestsAreSlowerThanAnyAndTheRestGoesOn) {
  TestServer server;
  int count = 0;
  server.service.on_request = [&count](Exchange& exchange) {
    if (count++ != 5) answer(exchange, "hello");
  };
  const Finished done =
      run(target_of(server.address()), {.connections = 4, .patience = 100 * kMillisecond});
  EXPECT_EQ(done.summary.lost, 1u);
  EXPECT_EQ(done.summary.answered, 399u);
  EXPECT_EQ(done.summary.latency_at(1.0), kNever);
  EXPECT_NE(done.summary.latency_at(0.5), kNever);
}

TEST(Generator, WhatCannotBeSentIsReported) {
  TestServer server;
  server.service.on_request = [](Exchange&) {};  // nothing is ever answered
  const Finished done =
      run(target_of(server.address()), {.connections = 2, .patience = 100 * kMillisecond});
  EXPECT_EQ(done.summary.answered, 0u);
  EXPECT_GT(done.summary.unsent, 100u);
  EXPECT_GT(done.summary.lost, 1u);
  EXPECT_EQ(done.summary.unsent + done.summary.lost, 400u);
}

TEST(Generator, AClosedLoopAsksWhenItIsAnswered) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) { answer(exchange, "hello"); };
  const Finished done =
      run(target_of(server.address()), {.connections = 3, .depth = 2}, 0, Arrivals::kClosed);
  EXPECT_GT(done.summary.answered, 10u);
  EXPECT_EQ(done.summary.answered, done.schedule.samples.size());
  // Never more in flight than connections times depth.
  std::vector<std::pair<Nanos, int>> changes;
  for (const Sample& sample : done.schedule.samples) {
    changes.emplace_back(sample.sent, 1);
    changes.emplace_back(sample.done, -1);
  }
  std::sort(changes.begin(), changes.end());
  int in_flight = 0;
  for (const auto& [at, change] : changes) ASSERT_LE(in_flight += change, 6) << at;
}

TEST(Generator, SaysThatNobodyListens) {
  std::string address;
  {
    TestServer server;
    address = server.address();
  }
  auto generator = Generator::create({target_of(address)}, {.connections = 2});
  ASSERT_TRUE(generator.ok());
  const Result<void> connected = (*generator)->connect();
  ASSERT_FALSE(connected.ok());
  EXPECT_NE(connected.error().to_string().find("refused"), std::string::npos)
      << connected.error().to_string();
}

TEST(Generator, StoppedEarlyItKeepsWhatIsValid) {
  TestServer server;
  std::atomic<Generator*> running{nullptr};
  int count = 0;
  server.service.on_request = [&](Exchange& exchange) {
    answer(exchange, "hello");
    if (++count == 50) running.load()->stop();
  };
  Schedule schedule = *make_schedule({.arrivals = Arrivals::kConstant,
                                      .rate = 1000,
                                      .duration = 20 * kSecond,
                                      .arms = 1,
                                      .texts = {1}});
  auto generator = Generator::create({target_of(server.address())}, {.connections = 2});
  ASSERT_TRUE(generator.ok());
  running = generator->get();
  ASSERT_TRUE((*generator)->connect().ok());
  (*generator)->run(schedule, false);
  EXPECT_TRUE((*generator)->interrupted());
  const Summary summary = summarize(schedule, 0);
  EXPECT_GE(summary.answered, 50u);
  EXPECT_LT(summary.requests, 2000u);
  EXPECT_EQ(summary.answered, summary.requests);
}

}  // namespace
}  // namespace duet::bench
