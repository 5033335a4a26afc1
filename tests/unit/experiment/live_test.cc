#include "host/experiment/live.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "host/http/request_parser.h"

namespace duet::experiment {
namespace {

double wall_clock = 1000;
double wall() { return wall_clock; }

// A request's head, from its text.
class Head {
 public:
  explicit Head(const std::string& fields, const std::string& target = "/") : sink_(head_) {
    http::RequestParser parser(sink_, {});
    parser.feed("GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
  }
  const http::RequestHead& operator*() const { return head_; }

 private:
  struct Sink final : http::RequestParser::Sink {
    explicit Sink(http::RequestHead& head) : head(head) {}
    http::RequestHead* begin_request() override { return &head; }
    http::RequestParser::Next on_head() override { return http::RequestParser::Next::kContinue; }
    http::RequestParser::Next on_body(std::string_view) override {
      return http::RequestParser::Next::kContinue;
    }
    http::RequestParser::Next on_complete() override {
      return http::RequestParser::Next::kContinue;
    }
    http::RequestHead& head;
  };
  http::RequestHead head_;
  Sink sink_;
};

LiveSpec spec_of(KeySource key, std::string name = "") {
  LiveSpec spec;
  spec.spec.name = "country";
  spec.spec.salt = "country-2026";
  spec.spec.variants = {"js", "py"};
  spec.spec.weights = {1, 1};
  spec.spec.sticky = key != KeySource::kRandom;
  spec.spec.guardrails = {{Guardrail::Kind::kErrors}};
  spec.variants = {{"js", 0, false}, {"py", 1, false}};
  spec.key = key;
  spec.key_name = std::move(name);
  return spec;
}

class LiveTest : public testing::Test {
 protected:
  void make(LiveSpec spec) {
    wall_clock = 1000;
    auto live = Live::create(std::move(spec), wall);
    ASSERT_TRUE(live.ok()) << live.error().to_string();
    live_ = std::move(live).value();
  }
  Live::Choice choose(const std::string& fields, const std::string& target = "/") {
    std::unique_ptr<std::string> set_cookie;
    now_ += kMillisecond;
    const Head head(fields, target);
    std::string_view key;
    const auto choice = live_->choose(*head, "192.0.2.1", now_, key, set_cookie);
    key_ = key;
    set_cookie_ = set_cookie == nullptr ? "" : *set_cookie;
    return choice;
  }
  // A request to its end, and a look; what was decided.
  std::vector<Decision> serve(const std::string& fields, bool py_fails = false) {
    const Live::Choice choice = choose(fields);
    if (!choice.counted) return {};
    ++answered_[choice.variant];
    live_->ended(choice, {.total = 5 * kMillisecond, .failed = py_fails && choice.variant == 1});
    return live_->look(now_);
  }
  std::unique_ptr<Live> live_;
  std::string key_, set_cookie_;
  std::map<std::size_t, int> answered_;
  Nanos now_ = kSecond;
};

TEST_F(LiveTest, FindsKeysWhereTheyAre) {
  make(spec_of(KeySource::kCookie, "v"));
  EXPECT_TRUE(choose("Cookie: av=1; v=me; v=other\r\n").counted);
  EXPECT_EQ(key_, "me");
  EXPECT_TRUE(choose("Cookie: x=1\r\nCookie: v=you\r\n").counted);
  EXPECT_EQ(key_, "you");
  EXPECT_FALSE(choose("Cookie: vv=1; v=\r\n").counted);
  make(spec_of(KeySource::kHeader, "X-User"));
  EXPECT_TRUE(choose("x-user: 7\r\n").counted);
  EXPECT_EQ(key_, "7");
  make(spec_of(KeySource::kQuery, "user"));
  EXPECT_TRUE(choose("", "/?auser=1&user=8").counted);
  EXPECT_EQ(key_, "8");
  EXPECT_FALSE(choose("", "/?user").counted);
  make(spec_of(KeySource::kAddress));
  EXPECT_TRUE(choose("").counted);
  EXPECT_EQ(key_, "192.0.2.1");
  make(spec_of(KeySource::kRandom));
  int of_py = 0;
  for (int i = 0; i < 1000; ++i) of_py += choose("").variant == 1;
  EXPECT_EQ(key_, "");
  EXPECT_NEAR(of_py, 500, 80);
}

TEST_F(LiveTest, TheSameKeyGetsTheSameVariantAndTheHashIsTheDocumentedOne) {
  make(spec_of(KeySource::kHeader, "X-User"));
  for (int i = 0; i < 200; ++i) {
    const std::string user = std::to_string(i);
    const std::size_t first = choose("X-User: " + user + "\r\n").variant;
    EXPECT_EQ(choose("X-User: " + user + "\r\n").variant, first);
    // The first variant other than the control has the left half of the line.
    EXPECT_EQ(first, hash_key("country-2026", user) >> 63 == 0 ? 1u : 0u);
  }
}

TEST_F(LiveTest, AVisitorWithoutACookieIsGivenOne) {
  LiveSpec spec = spec_of(KeySource::kCookie, "v");
  spec.cookie_attributes = "; Path=/; Secure";
  make(spec);
  EXPECT_TRUE(choose("").counted);
  ASSERT_EQ(key_.size(), 32u);
  EXPECT_EQ(set_cookie_, "Set-Cookie: v=" + key_ + "; Path=/; Secure\r\n");
  const std::string first = key_;
  choose("");
  EXPECT_NE(key_, first);
  choose("Cookie: v=" + first + "\r\n");
  EXPECT_EQ(set_cookie_, "") << "it has one";
}

TEST_F(LiveTest, WhoIsNotEligibleGetsTheControl) {
  LiveSpec spec = spec_of(KeySource::kHeader, "X-User");
  spec.spec.weights = {0, 1};
  spec.methods = {"GET"};
  spec.header = "X-Beta";
  spec.header_value = "yes";
  make(spec);
  EXPECT_FALSE(choose("X-User: 1\r\n").counted);
  EXPECT_EQ(choose("X-User: 1\r\nX-Beta: no\r\n").variant, 0u);
  EXPECT_TRUE(choose("X-User: 1\r\nX-Beta: yes\r\n").counted);
  EXPECT_EQ(live_->snapshot().excluded, 2u);
}

TEST_F(LiveTest, ARequestMayAskForAVariantWhereThatIsAllowed) {
  LiveSpec spec = spec_of(KeySource::kHeader, "X-User");
  spec.spec.weights = {1, 0};
  make(spec);
  EXPECT_EQ(choose("X-User: 1\r\nX-Want: py\r\n").variant, 0u);
  spec.override_header = "X-Want";
  make(spec);
  EXPECT_EQ(choose("X-User: 1\r\nX-Want: py\r\n").variant, 1u);
  EXPECT_FALSE(choose("X-User: 1\r\nX-Want: py\r\n").counted) << "it chose by itself";
  EXPECT_EQ(choose("X-User: 1\r\nX-Want: go\r\n").variant, 0u) << "there is no such variant";
}

TEST_F(LiveTest, AKeyThatNobodyCarriesIsReportedOnceAfterAHundred) {
  make(spec_of(KeySource::kHeader, "X-User"));
  std::vector<Decision> decisions;
  for (int i = 0; i < 300; ++i) {
    choose("");
    for (Decision& decision : live_->look(now_)) decisions.push_back(decision);
  }
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0].kind, Decision::Kind::kNoKey);
  EXPECT_EQ(decisions[0].sentence,
            "experiment 'country': none of the first 100 requests has its key (header:X-User): all "
            "of them get 'js'");
}

TEST_F(LiveTest, StartsAndEndsByTheWallClockEvenWhenThatJumps) {
  LiveSpec spec = spec_of(KeySource::kRandom);
  spec.start = 2000;
  spec.end = 3000;
  make(spec);
  EXPECT_EQ(live_->snapshot().state, "scheduled");
  const auto started = live_->start("ada");
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().to_string(),
            "experiment 'country' is scheduled (its 'start' and 'end' in duet.toml say so)");
  EXPECT_FALSE(choose("").counted);
  wall_clock = 2500;
  now_ += 2 * kSecond;
  EXPECT_TRUE(choose("").counted);
  EXPECT_EQ(live_->snapshot().state, "running");
  wall_clock = 1500;  // back: somebody set the clock
  now_ += 2 * kSecond;
  EXPECT_FALSE(choose("").counted);
  wall_clock = 1e10;
  now_ += 2 * kSecond;
  EXPECT_FALSE(choose("").counted);
  EXPECT_EQ(live_->snapshot().state, "ended");
  EXPECT_EQ(live_->snapshot().audit.size(), 3u);
}

TEST_F(LiveTest, AVariantThatFailsIsTakenOutAndWhatHappenedIsWrittenDown) {
  make(spec_of(KeySource::kRandom));
  std::vector<Decision> decisions;
  for (int i = 0; i < 400 && decisions.empty(); ++i) decisions = serve("", true);
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0].kind, Decision::Kind::kRolledBack);
  EXPECT_LE(answered_[1], 40);
  const LiveSnapshot shot = live_->snapshot();
  EXPECT_EQ(shot.variants[1].share, 0);
  EXPECT_TRUE(shot.variants[1].rolled_back);
  EXPECT_EQ(shot.variants[1].errors, static_cast<std::uint64_t>(answered_[1]));
  ASSERT_EQ(shot.variants[1].guardrails.size(), 1u);
  EXPECT_TRUE(shot.variants[1].guardrails[0].crossed);
  EXPECT_LE(shot.variants[1].guardrails[0].p_value, shot.variants[1].guardrails[0].alpha);
  EXPECT_TRUE(shot.verdict.starts_with("'py' is rolled back by the guardrail 'errors' ("))
      << shot.verdict;
  ASSERT_EQ(shot.audit.size(), 1u);
  EXPECT_EQ(shot.audit[0].who, "guardrail");
  EXPECT_EQ(shot.audit[0].what, decisions[0].sentence);
}

TEST_F(LiveTest, AnOperatorsWordIsAudited) {
  make(spec_of(KeySource::kHeader, "X-User"));
  EXPECT_FALSE(live_->start("ann").ok()) << "it is running";
  live_->stop("ann");
  EXPECT_EQ(live_->snapshot().state, "stopped");
  EXPECT_FALSE(choose("X-User: 1\r\n").counted);
  ASSERT_TRUE(live_->start("ann").ok());
  EXPECT_TRUE(choose("X-User: 1\r\n").counted);
  ASSERT_TRUE(live_->ramp(0.2, "ann").ok());
  EXPECT_NEAR(live_->snapshot().variants[1].share, 0.2, 1e-9);
  EXPECT_FALSE(live_->ramp(1.2, "ann").ok());
  EXPECT_FALSE(live_->ramp(std::nullopt, "ann").ok()) << "there is no ramp";
  EXPECT_EQ(live_->promote("pi", "ann").error().hint, "variants are js, py");
  ASSERT_TRUE(live_->promote("py", "ann").ok());
  EXPECT_EQ(choose("X-User: 1\r\n").variant, 1u);
  ASSERT_TRUE(live_->pin("1", "js", "ann").ok());
  EXPECT_EQ(choose("X-User: 1\r\n").variant, 0u);
  EXPECT_EQ(choose("X-User: 2\r\n").variant, 1u);
  ASSERT_TRUE(live_->pin("1", std::nullopt, "ann").ok());
  EXPECT_EQ(choose("X-User: 1\r\n").variant, 1u);
  const LiveSnapshot shot = live_->snapshot();
  ASSERT_EQ(shot.audit.size(), 6u);
  for (const AuditEntry& entry : shot.audit) EXPECT_EQ(entry.who, "ann");
  EXPECT_EQ(shot.audit[2].what, "experiment 'country': weights are now js 80%, py 20%");
}

TEST_F(LiveTest, AVariantThatCannotAnswerIsDoneWithout) {
  LiveSpec spec = spec_of(KeySource::kRandom);
  spec.spec.weights = {0, 1};
  make(spec);
  EXPECT_FALSE(live_->withdraw(0, "no module").ok()) << "the control cannot be done without";
  ASSERT_TRUE(live_->withdraw(1, "no module").ok());
  EXPECT_EQ(choose("").variant, 0u);
  EXPECT_EQ(live_->snapshot().variants[1].unavailable, "no module");
  EXPECT_FALSE(live_->promote("py", "ann").ok());
}

TEST_F(LiveTest, EveryEndIsInWhatIsGivenOutThoughTheyAreCountedTogether) {
  make(spec_of(KeySource::kHeader, "X-User"));
  std::uint64_t ended = 0;
  for (int i = 0; i < 200; ++i) {
    const Live::Choice choice = choose("X-User: " + std::to_string(i) + "\r\n");
    live_->ended(choice, {.total = kMillisecond, .cpu = kMicrosecond});
    ++ended;
    if (i % 50 != 0) continue;  // once when few wait, once when many were counted before
    const LiveSnapshot shot = live_->snapshot();
    EXPECT_EQ(shot.variants[0].requests + shot.variants[1].requests, ended);
    EXPECT_EQ(shot.variants[0].in_flight + shot.variants[1].in_flight, 0u);
  }
  EXPECT_EQ(live_->run(0) + live_->run(1), 200 * kMicrosecond);
  const measure::ExperimentFigures figures = live_->figures();
  EXPECT_EQ(figures.variants[0].count + figures.variants[1].count, 200u);
  const Live::State state = live_->state({0, 0});
  EXPECT_EQ(state.variants[0].runs.count() + state.variants[1].runs.count(), 200u);
  const Live::Choice failing = choose("X-User: 0\r\n");
  live_->ended(failing, {.failed = true});
  ASSERT_EQ(failing.variant, 1u);
  EXPECT_TRUE(live_->urgent()) << "a failure is known at once";
}

TEST_F(LiveTest, NeedsNoLookWhenNothingHappened) {
  make(spec_of(KeySource::kRandom));
  EXPECT_FALSE(live_->needs_look());
  const Live::Choice choice = choose("");
  EXPECT_TRUE(live_->needs_look());
  live_->look(now_);
  EXPECT_TRUE(live_->needs_look()) << "one is in flight";
  live_->ended(choice, {.total = 1});
  live_->look(now_);
  EXPECT_FALSE(live_->needs_look());
}

TEST_F(LiveTest, SaysByHowMuchAVariantIsSlower) {
  make(spec_of(KeySource::kRandom));
  std::uint64_t noise = 1;
  for (int i = 0; i < 6000; ++i) {
    const Live::Choice choice = choose("");
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    const double factor = 0.9 + 0.2 * static_cast<double>(noise >> 40) / (1 << 24);
    live_->ended(choice, {.total = static_cast<Nanos>(factor * (choice.variant == 1 ? 6e6 : 5e6))});
    live_->look(now_);
  }
  const LiveSnapshot shot = live_->snapshot();
  const QuantileEvidence& median = shot.variants[1].quantiles[0];
  EXPECT_TRUE(median.called);
  EXPECT_LE(median.ratio.low, 1.2);
  EXPECT_GE(median.ratio.high, 1.2);
  EXPECT_GT(median.ratio.low, 1.1);
  EXPECT_LT(median.ratio.high, 1.3);
  EXPECT_TRUE(shot.verdict.starts_with("'py' is 1")) << shot.verdict;
  EXPECT_NE(shot.verdict.find("% slower than 'js' at p50 (95%, anytime-valid; "), std::string::npos)
      << shot.verdict;
}

// Of six the headline is no list: it has the fastest, and how many of the others are what.
TEST_F(LiveTest, OfManyVariantsTheFastestIsTold) {
  LiveSpec spec = spec_of(KeySource::kRandom);
  for (const char* name : {"go", "rust", "ruby", "perl"}) {
    spec.spec.variants.emplace_back(name);
    spec.spec.weights.push_back(1);
    const auto handler = static_cast<measure::HandlerIndex>(spec.variants.size());
    spec.variants.push_back({name, handler, false});
  }
  make(spec);
  EXPECT_EQ(live_->snapshot().verdict,
            "none of 5 variants is shown to be faster than 'js' at p50 (99%, anytime-valid; 0 "
            "requests an arm); of them: 5 not told apart from it");
  constexpr double kFactor[] = {1, 2, 0.5, 0.7, 2, 1};  // times the control's latency
  std::uint64_t noise = 1;
  for (int i = 0; i < 6000; ++i) {
    const Live::Choice choice = choose("");
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    const double jitter = 0.9 + 0.2 * static_cast<double>(noise >> 40) / (1 << 24);
    live_->ended(choice, {.total = static_cast<Nanos>(5e6 * jitter * kFactor[choice.variant])});
    live_->look(now_);
  }
  const std::string verdict = live_->snapshot().verdict;
  EXPECT_TRUE(verdict.starts_with("'go' is ")) << verdict;
  EXPECT_NE(verdict.find("faster than 'js' at p50 (99%, anytime-valid; "), std::string::npos)
      << verdict;
  EXPECT_TRUE(verdict.ends_with("; the others: 1 faster, 2 slower, 1 not told apart from it"))
      << verdict;
}

TEST_F(LiveTest, SaysWhenItCannotTell) {
  make(spec_of(KeySource::kRandom));
  EXPECT_EQ(live_->snapshot().verdict,
            "nothing is known of 'py' yet (95%, anytime-valid; 0 requests an arm)");
  std::uint64_t noise = 1;
  for (int i = 0; i < 400; ++i) {
    const Live::Choice choice = choose("");
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    live_->ended(choice, {.total = 1'000'000 + static_cast<Nanos>(noise >> 40)});
    live_->look(now_);
  }
  const std::string verdict = live_->snapshot().verdict;
  EXPECT_TRUE(verdict.starts_with("cannot tell 'py' from 'js' at p50; about ")) << verdict;
}

TEST_F(LiveTest, GoesOnWhereAnotherProcessStopped) {
  LiveSpec spec = spec_of(KeySource::kHeader, "X-User");
  spec.spec.ramp.steps = {0.3, 0.5};
  spec.spec.ramp.least_time = 10 * kSecond;
  make(spec);
  live_->keep(true);
  for (int i = 0; i < 150; ++i) serve("X-User: " + std::to_string(i % 40) + "\r\n", i % 50 == 7);
  ASSERT_TRUE(live_->pin("x", "py", "ann").ok());
  const LiveSnapshot before = live_->snapshot();
  const auto keys = live_->take_keys();
  const auto audit = live_->take_audit();
  EXPECT_TRUE(live_->take_audit().empty()) << "each entry once";
  Live::State state = live_->state({3, 4});

  make(spec);
  ASSERT_TRUE(live_->restore(live_->state({0, 0}), {}, false)) << "an empty one";
  make(spec);
  EXPECT_FALSE(live_->restore(Live::State(), {}, false)) << "of another experiment";
  Live::State broken = live_->state({0, 0});
  broken.experiment.evidence.tests[1][0].stages = {{0.5, 3, 2}};
  EXPECT_FALSE(live_->restore(std::move(broken), {}, false)) << "3 events of 2";
  ASSERT_TRUE(live_->restore(std::move(state), keys, false));
  live_->restore_audit(audit);
  live_->look(now_);
  const LiveSnapshot after = live_->snapshot();
  for (std::size_t v = 0; v < 2; ++v) {
    EXPECT_EQ(after.variants[v].requests, before.variants[v].requests);
    EXPECT_EQ(after.variants[v].errors, before.variants[v].errors);
    EXPECT_EQ(after.variants[v].share, before.variants[v].share);
    EXPECT_EQ(after.variants[v].cpu, static_cast<Nanos>(3 + v));
  }
  EXPECT_EQ(after.variants[1].guardrails[0].events, before.variants[1].guardrails[0].events);
  EXPECT_DOUBLE_EQ(after.variants[1].guardrails[0].p_value,
                   before.variants[1].guardrails[0].p_value);
  EXPECT_DOUBLE_EQ(after.split_p_value, before.split_p_value);
  EXPECT_EQ(after.audit.size(), 1u);
  EXPECT_EQ(choose("X-User: x\r\n").variant, 1u) << "the pin is forgotten";
}

TEST_F(LiveTest, QuantilesGoOnWithinAStageOnly) {
  LiveSpec spec = spec_of(KeySource::kRandom);
  make(spec);
  for (int i = 0; i < 400; ++i) serve("");
  const LiveSnapshot before = live_->snapshot();
  const auto kept = [&] { return live_->state({0, 0}); };
  Live::State same = kept();
  Live::State other = kept();
  make(spec);
  ASSERT_TRUE(live_->restore(std::move(same), {}, false));
  EXPECT_EQ(live_->snapshot().variants[1].quantiles[0].variant,
            before.variants[1].quantiles[0].variant);
  spec.spec.weights = {3, 1};
  make(spec);
  ASSERT_TRUE(live_->restore(std::move(other), {}, false));
  const LiveSnapshot after = live_->snapshot();
  EXPECT_EQ(after.variants[1].requests, before.variants[1].requests);
  EXPECT_FALSE(after.variants[1].quantiles[0].variant) << "pooled over stages";
}

TEST_F(LiveTest, ACrashIsAnErrorOfWhatWasInFlightAndOneEventToTheTest) {
  make(spec_of(KeySource::kRandom));
  for (int i = 0; i < 100; ++i) serve("");
  int in_flight[2] = {0, 0};
  for (int i = 0; i < 40; ++i) ++in_flight[choose("").variant];
  live_->look(now_);
  Live::State state = live_->state({0, 0});
  make(spec_of(KeySource::kRandom));
  ASSERT_TRUE(live_->restore(std::move(state), {}, true));
  EXPECT_TRUE(live_->needs_look());
  live_->look(now_);
  const LiveSnapshot shot = live_->snapshot();
  for (std::size_t v = 0; v < 2; ++v) {
    EXPECT_EQ(shot.variants[v].errors, static_cast<std::uint64_t>(in_flight[v]));
    EXPECT_EQ(shot.variants[v].lost, static_cast<std::uint64_t>(in_flight[v]));
  }
  EXPECT_EQ(shot.variants[0].requests + shot.variants[1].requests, 140u);
  EXPECT_EQ(shot.variants[1].guardrails[0].events, static_cast<std::uint64_t>(in_flight[1]));
  const auto& stages = live_->experiment().evidence().test(1, 0).stages();
  EXPECT_EQ(stages.back().all, 1) << "requests that one crash took are one burst";
}

TEST_F(LiveTest, WhatEndedBehindAnOpenRequestIsJudgedByTheNextProcess) {
  LiveSpec spec = spec_of(KeySource::kHeader, "X-User");
  spec.spec.guardrails.push_back({Guardrail::Kind::kSlowerThan, 5 * kMillisecond});
  make(spec);
  live_->keep(true);
  const auto judged = [&](std::size_t guardrail) {
    const Evidence& evidence = live_->experiment().evidence();
    return evidence.counts(0, guardrail).requests + evidence.counts(1, guardrail).requests;
  };
  const auto user = [](int i) { return "X-User: " + std::to_string(i) + "\r\n"; };
  for (int i = 0; i < 30; ++i) serve(user(i));
  choose(user(1000));  // a stream that stays open
  const int before = answered_[1];
  for (int i = 100; i < 120; ++i) serve(user(i), true);
  const auto failed = static_cast<std::uint64_t>(answered_[1] - before);
  for (int i = 120; i < 140; ++i) serve(user(i));
  now_ += 10 * kMillisecond;
  live_->look(now_);
  ASSERT_EQ(judged(0), 30u);
  ASSERT_EQ(judged(1), 71u) << "whether they are slow is known";
  for (int i = 140; i < 150; ++i) serve(user(i));
  const auto ended = live_->take_ended();
  EXPECT_EQ(ended.size(), 50u);
  EXPECT_TRUE(live_->take_ended().empty()) << "each once";
  const auto keys = live_->take_keys();
  Live::State kept[] = {live_->state({0, 0}), live_->state({0, 0}), live_->state({0, 0})};
  for (const bool crashed : {false, true}) {
    make(spec);
    live_->keep(true);
    Live::State state = std::move(kept[crashed]);
    state.experiment.evidence.ended = ended;
    ASSERT_TRUE(live_->restore(std::move(state), keys, crashed));
    EXPECT_TRUE(live_->needs_look());
    live_->look(now_);
    EXPECT_EQ(judged(0), 80u + crashed);
    EXPECT_EQ(judged(1), 81u);
    EXPECT_EQ(live_->experiment().evidence().counts(0, 0).events +
                  live_->experiment().evidence().counts(1, 0).events,
              failed + crashed);
    choose(user(2000));
    serve(user(2001));
    const auto after = live_->take_ended();
    ASSERT_EQ(after.size(), 1u);
    EXPECT_GT(after[0].ticket, ended.back().ticket)
        << "of two processes, told apart by nothing else";
    EXPECT_GT(live_->state({0, 0}).experiment.evidence.first, ended.back().ticket);
  }
  Live::State broken = std::move(kept[2]);
  broken.experiment.evidence.ended = ended;
  broken.experiment.evidence.ended[0].arrival.variant = 2;
  make(spec);
  EXPECT_FALSE(live_->restore(std::move(broken), keys, false)) << "of a variant that is not there";
}

TEST_F(LiveTest, AVariantThatCrashesTheHostWithEachRequestIsCharged) {
  Live::State state;
  make(spec_of(KeySource::kRandom));
  for (int crash = 0; crash < 20; ++crash) {
    while (choose("").variant != 1) {
    }
    std::vector<Evidence::State::Unfinished> unfinished = {{1, std::nullopt}};
    state = live_->state({0, 0});
    state.experiment.evidence.unfinished = unfinished;
    make(spec_of(KeySource::kRandom));
    ASSERT_TRUE(live_->restore(std::move(state), {}, true));
  }
  live_->look(now_);
  EXPECT_TRUE(live_->snapshot().variants[1].rolled_back);
}

}  // namespace
}  // namespace duet::experiment
