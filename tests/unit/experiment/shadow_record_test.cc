#include "host/experiment/shadow_record.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

namespace duet::experiment {
namespace {

std::vector<Difference> in(std::initializer_list<const char*> fields) {
  std::vector<Difference> all;
  for (const char* field : fields) all.push_back({field, "1", "2"});
  return all;
}

// The fields that differ for real, in one text.
std::string real(const ShadowRecord& record) {
  std::string names;
  for (const ShadowField& field : record.snapshot().fields) {
    if (field.differs) names += field.name + " ";
  }
  return names;
}

TEST(ShadowRecord, AFieldThatAlwaysDiffersIsFoundSoonAndKeptWithAnExample) {
  ShadowRecord record;
  int needed = 0;
  while (real(record).empty() && needed < 100) {
    record.add(in({"$.price", "$.at"}), in({"$.at"}), "GET /" + std::to_string(needed), needed);
    ++needed;
  }
  EXPECT_EQ(real(record), "$.price ");
  EXPECT_EQ(needed, 15);
  const ShadowField field = record.snapshot().fields.at(0);
  EXPECT_EQ(field.name, "$.price");
  EXPECT_EQ(field.example.request, "GET /0");
  EXPECT_EQ(field.example.control + field.example.variant, "12");
}

TEST(ShadowRecord, AFieldThatDiffersNowAndThenIsFoundLater) {
  ShadowRecord record;
  for (int i = 0; i < 2000; ++i) {
    record.add(i % 100 == 0 ? in({"$.rare"}) : in({}), in({}), "", 0);
  }
  EXPECT_EQ(real(record), "$.rare ") << "20 of 2,000";
}

TEST(ShadowRecord, ADifferenceThatIsTooRareToMatterIsNotCalled) {
  ShadowRecord record;
  for (int i = 0; i < 100'000; ++i) {
    record.add(i < 25 ? in({"$.once"}) : in({}), in({}), "", 0);
  }
  EXPECT_EQ(real(record), "") << "25 of 100,000 are less than 0.03%";
}

TEST(ShadowRecord, ANoisyFieldThatIsAlsoWrongIsFound) {
  std::mt19937 random(7);
  ShadowRecord record;
  for (int i = 0; i < 500; ++i) {
    const bool noise = random() % 10 < 3;
    const bool raw = random() % 10 < 9;
    record.add(raw ? in({"$.flaky"}) : in({}), noise ? in({"$.flaky"}) : in({}), "", 0);
  }
  EXPECT_EQ(real(record), "$.flaky ");
}

// Variants that are the control: time stamps, random ids, and fields that differ now and then, in
// both or in either. Looked at again and again, as people do.
TEST(ShadowRecord, WhatIsNaturallyNoisyIsNotReported) {
  int false_alarms = 0;
  for (unsigned run = 0; run < 100; ++run) {
    std::mt19937 random(run);
    ShadowRecord record;
    bool alarm = false;
    for (int i = 0; i < 200 && !alarm; ++i) {
      const auto noisy = [&] {
        std::vector<Difference> fields = in({"$.id"});
        for (int f = 0; f < 8; ++f) {
          if (random() % 8 < static_cast<unsigned>(f)) {
            fields.push_back({"$.of" + std::to_string(f), "1", "2"});
          }
        }
        return fields;
      };
      record.add(noisy(), noisy(), "", 0);
      if (i % 40 == 39) alarm = !real(record).empty();
    }
    false_alarms += alarm;
  }
  EXPECT_LE(false_alarms, 11) << "compatible with 5% of 100 at the 1% level";
}

TEST(ShadowRecord, FieldsAreBounded) {
  ShadowRecord record;
  for (int i = 0; i < 1000; ++i) {
    record.add(in({("$." + std::to_string(i)).c_str()}), in({}), "", 0);
  }
  EXPECT_EQ(record.snapshot().fields.size(), ShadowRecord::kMostFields);
  EXPECT_EQ(real(record), std::string(ShadowRecord::kOtherFields) + " ");
}

TEST(ShadowRecord, LongNamesAreCutBetweenCharacters) {
  ShadowRecord record;
  std::string name = "$.";
  while (name.size() < 1000) name += "ä";
  record.add(in({name.c_str()}), in({}), "GET /" + std::string(5000, 'x'), 0);
  const ShadowField field = record.snapshot().fields.at(0);
  EXPECT_LE(field.name.size(), ShadowRecord::kMostText);
  EXPECT_TRUE(field.name.ends_with("ä…")) << field.name;
  EXPECT_EQ(field.example.request.size(), ShadowRecord::kMostText);
}

TEST(ShadowRecord, ADifferenceThatStoppedIsKnownByItsLastComparison) {
  ShadowRecord record;
  for (int i = 0; i < 50; ++i) record.add(i < 20 ? in({"$.price"}) : in({}), in({}), "", 0);
  EXPECT_EQ(real(record), "$.price ");
  EXPECT_EQ(record.snapshot().fields.at(0).last, 20u);
}

TEST(ShadowRecord, PartsOfAnswersAreCountedOncePerComparison) {
  ShadowRecord record;
  record.add(in({"$.a", "$.b", "header:etag"}), in({"$.a"}), "", 0);
  record.add(in({"status"}), in({}), "", 0);
  record.add(in({"body"}), in({"header:date"}), "", 0);
  using ByPart = std::array<std::uint64_t, kAnswerParts>;
  EXPECT_EQ(record.snapshot().raw, (ByPart{1, 1, 2}));
  EXPECT_EQ(record.snapshot().noise, (ByPart{0, 1, 1}));
}

// Half in one record, half in the next that takes its state up: as if it had been one.
TEST(ShadowRecord, GoesOnInAnother) {
  const auto add = [](ShadowRecord& record, int from, int to) {
    for (int i = from; i < to; ++i) {
      const bool flaky = i % 3 == 0;
      record.add(flaky ? in({"$.at", "$.price"}) : in({"$.at"}), i % 2 == 0 ? in({"$.at"}) : in({}),
                 "GET /" + std::to_string(i), i);
    }
  };
  ShadowRecord one, first, second;
  add(one, 0, 60);
  add(first, 0, 30);
  ASSERT_TRUE(second.restore(first.state()));
  add(second, 30, 60);
  EXPECT_EQ(real(second), real(one));
  const auto whole = one.snapshot(), parts = second.snapshot();
  ASSERT_EQ(whole.fields.size(), parts.fields.size());
  EXPECT_EQ(whole.compared, parts.compared);
  EXPECT_EQ(whole.raw, parts.raw);
  for (std::size_t i = 0; i < whole.fields.size(); ++i) {
    const ShadowField &a = whole.fields[i], &b = parts.fields[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.raw_only, b.raw_only);
    EXPECT_EQ(a.noise_only, b.noise_only);
    EXPECT_EQ(a.last, b.last);
    EXPECT_EQ(a.log_e, b.log_e);
    EXPECT_EQ(a.example.request, b.example.request);
  }
}

TEST(ShadowRecord, CountsThatCannotBeAreRefused) {
  ShadowRecord record;
  for (int i = 0; i < 9; ++i) record.add(in({"$.price"}), in({}), "", 0);
  const ShadowRecord::State good = record.state();
  const auto refused = [&](auto spoil) {
    ShadowRecord::State state = good;
    spoil(state);
    return !record.restore(std::move(state));
  };
  EXPECT_TRUE(refused([](auto& state) { state.compared = 8; }));
  EXPECT_TRUE(refused([](auto& state) { state.fields[0].raw_only = 10; }));
  EXPECT_TRUE(refused([](auto& state) { state.fields[0].noise_only = 1; }));
  EXPECT_TRUE(refused([](auto& state) { state.fields[0].last = 10; }));
  EXPECT_TRUE(refused([](auto& state) { state.fields[0].log_e = -1; }));
  EXPECT_TRUE(refused([](auto& state) { state.fields.push_back(state.fields[0]); }));
  EXPECT_TRUE(refused([](auto& state) { state.noise[0] = 10; }));
  EXPECT_TRUE(refused([](auto& state) {
    state.fields.clear();
    for (std::size_t i = 0; i <= ShadowRecord::kMostFields; ++i) {
      state.fields.emplace_back().name = std::to_string(i);
    }
  }));
  EXPECT_EQ(record.compared(), 9u) << "what was there stays";
  EXPECT_FALSE(refused([](auto&) {}));
}

}  // namespace
}  // namespace duet::experiment
