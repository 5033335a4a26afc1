#include "host/cli/bench_cpu.h"

#include <gtest/gtest.h>

namespace duet::cli {
namespace {

constexpr std::string_view kAccount = R"({
  "handlers": [
    {"cpu_seconds": {"run": 1.5, "host": 0.25, "pool": 0.5}},
    {"cpu_seconds": {"run": 0.5, "host": 0.25, "pool": 0}}],
  "engines": [{"gc_seconds": 0.125}, {"gc_seconds": null}],
  "cpu_seconds": {"process": 4, "engines": 0.75}})";

TEST(BenchCpu, TheAccountOfAHostIsDivided) {
  const auto cpu = host_cpu_of(kAccount);
  ASSERT_TRUE(cpu);
  EXPECT_EQ(cpu->handlers, 2500 * kMillisecond);
  EXPECT_EQ(cpu->host, 500 * kMillisecond);
  EXPECT_EQ(cpu->engines, 750 * kMillisecond);
  EXPECT_EQ(cpu->unattributed, 250 * kMillisecond);
  EXPECT_EQ(cpu->gc, 125 * kMillisecond);
  EXPECT_EQ(cpu->process(), 4 * kSecond);
  EXPECT_FALSE(host_cpu_of("{}"));
  EXPECT_FALSE(host_cpu_of("Not Found"));
}

TEST(BenchCpu, IsSharedAmongTheRequestsSinceTheReading) {
  std::vector<bench::Sample> samples;
  for (int i = 0; i < 200; ++i) {
    bench::Sample sample;
    sample.due = i * kMillisecond;
    sample.arm = static_cast<std::uint16_t>(i % 2);
    if (i < 180) sample.tried = sample.due;  // the run was ended before the others were due
    samples.push_back(sample);
  }
  const std::uint64_t requests = requests_since(samples, 1, 100 * kMillisecond);
  EXPECT_EQ(requests, 40u);
  const CpuUse use{*host_cpu_of(kAccount) - HostCpu{}, requests};
  EXPECT_EQ(use.each(use.spent.process()), 100 * kMillisecond);
  EXPECT_EQ(use.each((use.spent - use.spent).handlers), 0);
}

}  // namespace
}  // namespace duet::cli
