#include "host/experiment/shadow_record.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace duet::experiment
