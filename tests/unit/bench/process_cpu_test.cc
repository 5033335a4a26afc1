// CPU time of processes: held against this process's own account of itself.
#include "host/bench/process_cpu.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "host/bench/cpu_rounds.h"

namespace duet::bench {
namespace {

// By this process, so far.
Nanos cpu_used() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec * kSecond + used.tv_nsec;
}

void use_cpu(Nanos time) {
  for (const Nanos end = cpu_used() + time; cpu_used() < end;) {
  }
}

TEST(ProcessCpu, IsWhatTheProcessUsed) {
  const pid_t self[] = {getpid()};
  const Nanos before = *cpu_of(self);
  use_cpu(20 * kMillisecond);
  const Nanos used = *cpu_of(self) - before;
  EXPECT_GE(used, 20 * kMillisecond);
  EXPECT_LT(used, 40 * kMillisecond);
}

TEST(ProcessCpu, OfWhatIsGoneNothingIsKnown) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(cpu_of(std::vector{getpid(), child}));
  EXPECT_FALSE(cpu_of({}));
}

TEST(ProcessCpu, WhoListensOnAPortIsFound) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
  const auto found = processes_listening(ntohs(address.sin_port));
  EXPECT_NE(std::find(found.begin(), found.end(), getpid()), found.end());
  close(listener);
  EXPECT_TRUE(processes_listening(ntohs(address.sin_port)).empty());
}

TEST(ProcessCpu, AGroupHasItsProcesses) {
  const auto group = processes_of_group(getpgrp());
  EXPECT_NE(std::find(group.begin(), group.end(), getpid()), group.end());
}

// Before each reading the thread asks when the run started. What it uses then, on its own, lies
// between two readings however late they are.
TEST(CpuRounds, EachRoundHasWhatWasUsedInIt) {
  ScheduleOptions options{
      .rate = 10, .duration = 0, .block = 100 * kMillisecond, .gap = 0, .arms = 1, .texts = {1}};
  options.duration = 3 * options.block;
  const Schedule schedule = *make_schedule(options);
  ASSERT_EQ(schedule.rounds, 3u);
  constexpr int kFirstReading = 2;  // asked once whether it has started
  const std::vector<Nanos> uses = {10 * kMillisecond, 30 * kMillisecond, 5 * kMillisecond};
  std::vector<Nanos> begun, done;  // on the process's clock: before and after each use
  std::atomic<int> asked{0};
  const Nanos long_ago = now() - schedule.length;  // so that all readings are due
  CpuRounds cpu({{getpid()}, {}}, schedule, [&] {
    const auto use = static_cast<std::size_t>(asked - kFirstReading);
    begun.push_back(cpu_used());
    if (asked >= kFirstReading && use < uses.size()) use_cpu(uses[use]);
    done.push_back(cpu_used());
    ++asked;
    return long_ago;
  });
  const auto last = kFirstReading + static_cast<int>(uses.size());
  while (asked < last) usleep(1000);
  const auto used = cpu.finish();
  ASSERT_EQ(used.size(), 2u);
  ASSERT_EQ(used[0].size(), uses.size());
  for (std::size_t round = 0; round < uses.size(); ++round) {
    const std::size_t use = round + kFirstReading;
    EXPECT_GE(used[0][round], static_cast<double>(done[use] - begun[use]));
    const Nanos after = use + 1 < begun.size() ? begun[use + 1] : cpu_used();
    EXPECT_LE(used[0][round], static_cast<double>(after - done[use - 1]));
    EXPECT_TRUE(std::isnan(used[1][round]));
  }
}

TEST(CpuRounds, OfArmsThatShareAProcessEachHasThatOfItsOwnBlocks) {
  const std::vector<Block> blocks = {{0, 0, 0, 0}, {1, 0, 0, 0}, {2, 0, 0, 0},
                                     {2, 1, 0, 0}, {1, 1, 0, 0}, {0, 1, 0, 0}};
  // The first two have process 7, which uses 5, 3, 1 and then 2, 4, 6; the third one has its own.
  const std::vector<double> shared = {100, 105, 108, 109, 111, 115, 121};
  const std::vector<double> own = {0, 1, 2, 10, 20, 21, 22};
  const std::vector<std::vector<pid_t>> processes = {{6, 7}, {7, 9}, {8}};
  const auto used = cpu_by_round(blocks, processes, {shared, shared, own}, false);
  EXPECT_EQ(used[0], (std::vector<double>{5, 6}));
  EXPECT_EQ(used[1], (std::vector<double>{3, 4}));
  EXPECT_EQ(used[2], (std::vector<double>{10, 12}));
  // Of a closed loop each has that of its own blocks.
  EXPECT_EQ(cpu_by_round(blocks, processes, {shared, shared, own}, true)[2],
            (std::vector<double>{8, 10}));
}

TEST(CpuRounds, WhatWasCutShortIsNotKnown) {
  ScheduleOptions options{.rate = 10,
                          .duration = 100 * kSecond,
                          .block = 500 * kMillisecond,
                          .gap = 0,
                          .arms = 1,
                          .texts = {1}};
  const Schedule schedule = *make_schedule(options);
  CpuRounds cpu({{getpid()}}, schedule, [] { return kNever; });
  EXPECT_TRUE(std::isnan(cpu.finish()[0][0]));
}

}  // namespace
}  // namespace duet::bench
