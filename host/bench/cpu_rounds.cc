#include "host/bench/cpu_rounds.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "host/bench/process_cpu.h"
#include "host/stats/nan.h"

namespace duet::bench {

namespace {

constexpr Nanos kAskEvery = kMillisecond;  // whether the run has started
// Before a block begins, within the pause that comes before it: a late reading would miss its
// begin.
constexpr Nanos kAhead = kMillisecond;

// By arm: whether one of its processes is another arm's, too.
std::vector<bool> sharing(const std::vector<std::vector<pid_t>>& processes) {
  std::vector<bool> shares(processes.size());
  for (std::size_t arm = 0; arm < processes.size(); ++arm) {
    for (std::size_t other = 0; other < processes.size(); ++other) {
      if (other == arm) continue;
      const std::vector<pid_t>& theirs = processes[other];
      shares[arm] =
          shares[arm] || std::find_first_of(processes[arm].begin(), processes[arm].end(),
                                            theirs.begin(), theirs.end()) != processes[arm].end();
    }
  }
  return shares;
}

}  // namespace

std::vector<std::vector<double>> cpu_by_round(const std::vector<Block>& blocks,
                                              const std::vector<std::vector<pid_t>>& processes,
                                              const std::vector<std::vector<double>>& readings,
                                              bool own) {
  std::uint32_t rounds = 0;
  for (const Block& block : blocks) rounds = std::max(rounds, block.round + 1);
  const std::vector<bool> shares = sharing(processes);
  std::vector<std::vector<double>> used(processes.size(), std::vector<double>(rounds));
  for (std::size_t arm = 0; arm < used.size(); ++arm) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if ((own || shares[arm]) && blocks[i].arm != arm) continue;
      used[arm][blocks[i].round] += readings[arm][i + 1] - readings[arm][i];
    }
  }
  return used;
}

CpuRounds::CpuRounds(std::vector<std::vector<pid_t>> processes, const Schedule& schedule,
                     std::function<Nanos()> started, bool own)
    : processes_(std::move(processes)),
      started_(std::move(started)),
      blocks_(schedule.blocks),
      own_(own) {
  for (const Block& block : blocks_) bounds_.push_back(std::max<Nanos>(0, block.from - kAhead));
  bounds_.push_back(schedule.length);
  readings_.assign(processes_.size(), std::vector<double>(bounds_.size(), stats::kNan));
  thread_ = std::thread([this] { run(); });
}

CpuRounds::~CpuRounds() { stop(); }

void CpuRounds::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// Whether it may go on.
bool CpuRounds::sleep_until(Nanos instant) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::nanoseconds(std::max<Nanos>(0, instant - now())),
                         [this] { return stopped_; });
}

void CpuRounds::run() {
  while (started_() == kNever) {
    if (!sleep_until(now() + kAskEvery)) return;
  }
  for (std::size_t bound = 0; bound < bounds_.size(); ++bound) {
    // The run may be over a little before its end is noticed here.
    const bool last = bound + 1 == bounds_.size();
    if (!sleep_until(started_() + bounds_[bound]) && !last) return;
    for (std::size_t arm = 0; arm < processes_.size(); ++arm) {
      const auto used = cpu_of(processes_[arm]);
      readings_[arm][bound] = used ? static_cast<double>(*used) : stats::kNan;
    }
  }
}

std::vector<std::vector<double>> CpuRounds::finish() {
  stop();
  return cpu_by_round(blocks_, processes_, readings_, own_);
}

}  // namespace duet::bench
