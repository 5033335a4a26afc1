// The CPU time that each arm's processes use in each round: read at the blocks' boundaries by a
// thread of its own, which sleeps otherwise.
//
// A round has a block of each arm. Under an open load, what an arm's processes use while the others
// have their turn (garbage collection put off, timers) is charged to its requests of that round: at
// a rate below its capacity a server rests, too. Who is asked as fast as it answers would not: of a
// closed loop an arm is charged with what they use from the begin of its own block to that of the
// next one. So are arms that share a process, like two routes of one server, which could not be
// told apart.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "host/base/clock.h"
#include "host/bench/schedule.h"

namespace duet::bench {

// What `readings`, by arm at the begin of each block and at the end of the run, nanoseconds since
// some time, say of each round: by arm and round. `processes`: by arm. `own`: only of its own
// blocks.
std::vector<std::vector<double>> cpu_by_round(const std::vector<Block>& blocks,
                                              const std::vector<std::vector<pid_t>>& processes,
                                              const std::vector<std::vector<double>>& readings,
                                              bool own);

class CpuRounds {
 public:
  // `processes`: by arm; none: its CPU is not known. `started`: the instant (of now()) from which
  // the schedule counts, kNever before; called from the thread. `own`: as above.
  CpuRounds(std::vector<std::vector<pid_t>> processes, const Schedule& schedule,
            std::function<Nanos()> started, bool own = false);
  ~CpuRounds();
  CpuRounds(const CpuRounds&) = delete;
  CpuRounds& operator=(const CpuRounds&) = delete;

  // Ends the readings. By arm and round, nanoseconds; NaN: not known.
  std::vector<std::vector<double>> finish();

 private:
  void run();
  bool sleep_until(Nanos instant);
  void stop();

  const std::vector<std::vector<pid_t>> processes_;
  const std::function<Nanos()> started_;
  const std::vector<Block> blocks_;
  const bool own_;
  std::vector<Nanos> bounds_;                  // since the start: each block's begin, and the end
  std::vector<std::vector<double>> readings_;  // by arm, at each bound
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace duet::bench
