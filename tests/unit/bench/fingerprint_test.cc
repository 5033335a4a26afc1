// A machine as files say it, and two of them beside each other.
#include "host/bench/fingerprint.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace duet::bench {
namespace {

class Machine : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "duet-machine-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void file(const std::string& name, const std::string& text) {
    const std::filesystem::path path = root_ + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::string fact(const std::string& name) const {
    for (const Fact& fact : machine_fingerprint(root_)) {
      if (fact.name == name) return fact.value;
    }
    return "no such fact";
  }

  std::string root_;
};

TEST_F(Machine, IsWhatItsFilesSay) {
  file("/proc/sys/kernel/ostype", "Linux\n");
  file("/proc/sys/kernel/osrelease", "6.1.0-9-amd64\n");
  file("/proc/cpuinfo", "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Xeon Ω\nstepping\t: 7\n");
  file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  file("/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
  file("/sys/devices/system/cpu/smt/active", "0\n");
  file("/proc/meminfo", "MemTotal:       24000000 kB\nMemFree: 1 kB\n");
  EXPECT_EQ(fact("kernel"), "Linux 6.1.0-9-amd64");
  EXPECT_EQ(fact("processor"), "Xeon Ω");
  EXPECT_EQ(fact("governor"), "powersave");
  EXPECT_EQ(fact("boost"), "off");
  EXPECT_EQ(fact("threads of a core"), "one");
  EXPECT_EQ(fact("memory"), "23438 MiB");
}

TEST_F(Machine, UnknownIsSaid) {
  for (const char* name : {"kernel", "processor", "governor", "boost", "memory"}) {
    EXPECT_EQ(fact(name), "unknown") << name;
  }
  EXPECT_EQ(fact("processor limit"), "none");
  EXPECT_EQ(disturbance(root_).throttled_periods, 0u);
}

TEST_F(Machine, TheTightestLimitOfAllGroupsAboveCounts) {
  file("/proc/self/cgroup", "0::/jobs/one\n");
  file("/sys/fs/cgroup/jobs/one/cpu.max", "max 100000\n");
  file("/sys/fs/cgroup/jobs/cpu.max", "150000 100000\n");
  file("/sys/fs/cgroup/cpu.max", "400000 100000\n");
  file("/sys/fs/cgroup/jobs/one/memory.max", "536870912\n");
  file("/sys/fs/cgroup/jobs/memory.max", "max\n");
  EXPECT_EQ(fact("processor limit"), "1.5 processors");
  EXPECT_EQ(fact("memory limit"), "512 MiB");
}

TEST_F(Machine, ControlGroupsOfTheFirstVersionAreUnderstood) {
  file("/proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/a\n0::/elsewhere\n");
  file("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n");
  file("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  file("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  file("/sys/fs/cgroup/cpu/a/cpu.stat", "nr_periods 9\nnr_throttled 3\nthrottled_time 7000000\n");
  EXPECT_EQ(fact("processor limit"), "0.5 processors");
  EXPECT_EQ(fact("memory limit"), "none");
  EXPECT_EQ(disturbance(root_).throttled_periods, 3u);
  EXPECT_EQ(disturbance(root_).throttled, 7 * kMillisecond);
}

TEST_F(Machine, WhatWasTakenAwayIsCounted) {
  file("/proc/self/cgroup", "0::/\n");
  file("/sys/fs/cgroup/cpu.stat", "usage_usec 5\nnr_throttled 2\nthrottled_usec 1500\n");
  file("/proc/stat", "cpu  1 2 3 4 5 6 7 100 9 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n");
  const Disturbance before = disturbance(root_);
  EXPECT_EQ(before.stolen, 100 * (kSecond / sysconf(_SC_CLK_TCK)));
  file("/sys/fs/cgroup/cpu.stat", "usage_usec 5\nnr_throttled 6\nthrottled_usec 4500\n");
  const Disturbance during = disturbance(root_) - before;
  EXPECT_EQ(during.throttled_periods, 4u);
  EXPECT_EQ(during.throttled, 3 * kMillisecond);
  EXPECT_EQ(during.stolen, 0);
}

TEST(Fingerprint, OfThisMachineIsTheSameTwice) {
  const Fingerprint here = machine_fingerprint();
  EXPECT_EQ(here, machine_fingerprint());
  EXPECT_TRUE(here[0].value.starts_with("Linux ")) << here[0].value;
}

TEST(Fingerprint, DifferencesAreNamedOnce) {
  const Fingerprint a = {{"kernel", "6.1"}, {"governor", "performance"}};
  const Fingerprint b = {{"kernel", "6.5"}, {"governor", "performance"}, {"LD_PRELOAD", "x.so"}};
  EXPECT_EQ(differences(a, b),
            (std::vector<std::string>{"kernel: 6.1, then 6.5", "LD_PRELOAD: nothing, then x.so"}));
  EXPECT_TRUE(differences(a, a).empty());
}

}  // namespace
}  // namespace duet::bench
