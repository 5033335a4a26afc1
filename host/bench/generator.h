// The load generator: sends a schedule's requests at their intended times, or as fast as they are
// answered, and notes what became of each.
//
// One thread (the caller's of run()), one epoll, one timerfd. Before a request is due it sleeps to
// within Options::spin and then looks at the clock, since waking up takes tens of microseconds.
// Whatever it does late is in the samples (`tried`): nothing is corrected.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/connection.h"
#include "host/bench/sample.h"
#include "host/bench/schedule.h"
#include "host/bench/target.h"
#include "host/measure/histogram.h"

namespace duet::bench {

// Connections are descriptors: as many as the process may have.
void raise_descriptor_limit();

class Generator final : ConnectionEvents {
 public:
  struct Options {
    std::uint32_t connections = 64;  // to each arm
    std::uint32_t depth = 1;         // requests in flight on one of them; 1 without keep_alive
    bool keep_alive = true;          // otherwise a connection a request
    Nanos patience = 10 * kSecond;   // for an answer, and for a connection to become free
    Nanos spin = 60 * kMicrosecond;  // 0: never keeps the processor while there is nothing to do
    Nanos warmup = 0;                // for live(): from when on it is of the whole run
  };

  static Result<std::unique_ptr<Generator>> create(std::vector<Target> targets,
                                                   const Options& options);
  ~Generator();

  // Opens the connections. Error: an arm refuses, or does not take them within the patience.
  Result<void> connect();

  // Runs to the end: every request has an outcome. `schedule` gets the samples; for a closed loop
  // they are added, for others filled in. Call connect() before, and it once.
  void run(Schedule& schedule, bool closed);

  // --- any thread, during run() ---
  // Nothing further is sent; what is in flight may still be answered for a second.
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  // The instant (of now()) from which the samples count; kNever before.
  Nanos started() const { return started_.load(std::memory_order_acquire); }
  // How an arm fares: for the eyes of who waits, no part of any figure.
  struct Live {
    std::uint64_t answered = 0, failed = 0;  // failed: no answer, or a status of 400 or above
    // Latency, of all since the warm-up; during it, of half a second. kNever before the first.
    Nanos p50 = kNever, p99 = kNever;
  };
  Live live(std::uint16_t arm) const;

  // --- after run() ---
  // By stop(), or because a closed loop had as many requests as fit in memory.
  bool interrupted() const { return interrupted_; }
  // Since the start: until when requests were sent. The schedule's length when not interrupted.
  Nanos sent_until() const { return interrupted_ ? since_start(stopped_at_) : schedule_->length; }
  // The last reason why a connection to that arm broke, as a sentence's part; empty when none did.
  const std::string& trouble(std::uint16_t arm) const { return arms_[arm].trouble; }

 private:
  struct Arm {
    Target target;
    std::vector<std::unique_ptr<Connection>> connections;
    std::deque<Connection*> free;                 // open, with room
    std::deque<std::uint32_t> waiting;            // samples for which no connection was free
    std::vector<std::uint64_t> lengths, digests;  // by text, of the first answer; 0: none yet
    std::vector<std::uint16_t> statuses;
    std::string trouble;
    measure::Histogram seen;  // latencies, for live()
    std::atomic<std::uint64_t> answered{0}, failed{0};
    std::atomic<Nanos> p50{kNever}, p99{kNever};
  };

  Generator(std::vector<Target> targets, const Options& options);
  void on_sent(std::uint32_t sample, Nanos at) override;
  void on_answer(Connection& connection, std::uint32_t sample, int status, std::uint64_t digest,
                 bool hashed, Nanos at) override;
  void on_lost(std::uint32_t sample, Outcome why) override;
  void on_room(Connection& connection) override;
  void on_closed(Connection& connection, int code) override;

  void send_due();
  void dispatch(std::uint32_t sample);
  void give(Connection& connection, std::uint32_t sample);
  void set_free(Connection& connection);
  void flush();
  void ask_again(Connection& connection);
  void begin_blocks();
  Nanos next_event() const;
  static Error not_connected(const Arm& arm);  // not with all of its connections
  void wait(Nanos until);
  static Outcome why_unsent(const Arm& arm);
  void look_after_all();
  void publish(Nanos at);
  void reopen(Nanos at);
  bool over(Nanos at);
  Nanos since_start(Nanos at) const { return at - start_; }

  const Options options_;
  std::deque<Arm> arms_;  // connections refer to their targets
  std::vector<Connection*> dirty_;
  std::vector<Connection*> broken_;  // to be opened again
  std::string buffer_;
  Schedule* schedule_ = nullptr;
  std::size_t next_ = 0;                 // the next sample that is due
  std::size_t next_block_ = 0;           // closed loop: the next block to begin
  std::vector<std::uint32_t> block_of_;  // closed loop: by arm, the latest block
  std::vector<std::uint32_t> next_text_;
  std::size_t limit_ = 0;  // closed loop: samples that there is room for
  std::size_t open_ = 0;   // samples that have no outcome yet
  Nanos start_ = 0;
  Nanos looked_ = 0, published_ = 0;
  Nanos stopped_at_ = kNever;
  int epoll_ = -1, timer_ = -1;
  bool closed_loop_ = false;
  bool running_ = false;
  bool interrupted_ = false;
  std::atomic<bool> stop_{false};
  std::atomic<Nanos> started_{kNever};
};

}  // namespace duet::bench
