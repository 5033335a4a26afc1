#include "host/bench/cpu_rounds.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "host/bench/process_cpu.h"

namespace duet::bench {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr Nanos kAskEvery = kMillisecond;  // whether the run has started

}  // namespace

CpuRounds::CpuRounds(std::vector<std::vector<pid_t>> processes, const Schedule& schedule,
                     std::function<Nanos()> started)
    : processes_(std::move(processes)), started_(std::move(started)) {
  bounds_.assign(schedule.rounds + 1, schedule.length);
  for (const Block& block : schedule.blocks) {
    bounds_[block.round] = std::min(bounds_[block.round], block.from);
  }
  readings_.assign(processes_.size(), std::vector<double>(bounds_.size(), kNaN));
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
      readings_[arm][bound] = used ? static_cast<double>(*used) : kNaN;
    }
  }
}

std::vector<std::vector<double>> CpuRounds::finish() {
  stop();
  std::vector<std::vector<double>> used = readings_;
  for (std::vector<double>& of_arm : used) {
    for (std::size_t i = 0; i + 1 < of_arm.size(); ++i) of_arm[i] = of_arm[i + 1] - of_arm[i];
    of_arm.pop_back();
  }
  return used;
}

}  // namespace duet::bench
