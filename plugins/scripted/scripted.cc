// A server whose latencies are known: what a load generator reports is held against it.
//
// The k-th request is answered LOW_US + (HIGH_US - LOW_US) * frac(k * 0.6180339887498949)
// microseconds after it was handled: evenly spread, in an order without a pattern. With STALL_MS,
// the first request that comes STALL_AT_MS after the 0th one stops the whole loop for that long, as
// a collector or a blocking call would: what arrives meanwhile is handled afterwards.
//
// With SERVE_US there is one clerk besides: a request takes that long with him, one after the other
// as they come, and is answered when it is done and its time by the script is over. So the server's
// capacity is 1,000,000 / SERVE_US requests a second whatever the machine can do: he works by the
// clock and not by a processor.
//
//   GET  anything   an answer by the script
//   POST anything   begins anew: the next request is the 0th
//   GET  /record    JSON: {"stall":{"request":k,"from":ns,"to":ns},"answered":[ns,...]}, instants
//                   of CLOCK_MONOTONIC by number of request; 0: none yet
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <queue>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "plugins/sdk/duet_sdk.h"

namespace {

using Nanos = std::int64_t;

Nanos monotonic_now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<Nanos>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

std::chrono::steady_clock::time_point instant(Nanos at) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at));
}

// A whole number of the handler's env; throws, so that the host refuses the handler.
Nanos number(const duet::sdk::Setup& setup, const char* name, Nanos otherwise) {
  const auto text = setup.env(name);
  if (!text) return otherwise;
  const std::string digits(*text);
  char* end = nullptr;
  const long long value = std::strtoll(digits.c_str(), &end, 10);
  if (digits.empty() || *end != '\0' || value < 0 || value > 3'600'000'000) {
    throw std::runtime_error(std::string(name) + " must be a whole number from 0, at most an hour");
  }
  return value;
}

class Scripted {
 public:
  explicit Scripted(const duet::sdk::Setup& setup)
      : host_(setup.host()),
        low_(number(setup, "LOW_US", 6000) * 1000),
        high_(number(setup, "HIGH_US", 10000) * 1000),
        stall_at_(number(setup, "STALL_AT_MS", 1000) * 1'000'000),
        stall_(number(setup, "STALL_MS", 0) * 1'000'000),
        serve_(number(setup, "SERVE_US", 0) * 1000),
        thread_([this] { answer_when_due(); }) {}

  ~Scripted() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void handle(duet::sdk::Request request) {
    if (request.path() == "/record") {
      request.respond(200, record(), {{"content-type", "application/json"}});
    } else if (request.method() == "POST") {
      ++run_;
      answered_.clear();
      stall_from_ = stall_to_ = served_ = 0;
      request.respond(204, "");
    } else {
      accept(request);
    }
  }

  void aborted(duet_request_id) {}

 private:
  struct Due {
    Nanos at;
    duet_request_id id;
    std::size_t number, run;
    bool operator<(const Due& other) const { return at > other.at; }  // the earliest on top
  };

  void accept(duet::sdk::Request& request) {
    const std::size_t k = answered_.size();
    answered_.push_back(0);
    Nanos at = monotonic_now();
    if (k == 0) first_ = at;
    if (stall_ > 0 && stall_to_ == 0 && at - first_ >= stall_at_) {
      stalled_ = k;
      stall_from_ = at;
      std::this_thread::sleep_until(instant(at + stall_));
      at = stall_to_ = monotonic_now();
    }
    const double part = static_cast<double>(k) * 0.6180339887498949;
    const double share = part - std::floor(part);
    served_ = std::max(served_, at) + serve_;
    at += low_ + static_cast<Nanos>(static_cast<double>(high_ - low_) * share);
    if (serve_ > 0) at = std::max(at, served_);
    {
      const std::lock_guard lock(mutex_);
      due_.push({at, request.id(), k, run_});
      if (due_.top().number != k) return;  // it sleeps until an earlier one
    }
    changed_.notify_one();
  }

  // The thread: the host's own timers count in milliseconds.
  void answer_when_due() {
    prctl(PR_SET_TIMERSLACK, 1UL);  // otherwise the kernel wakes it up to 50 us late
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (due_.empty()) {
        changed_.wait(lock);
      } else if (const Due next = due_.top(); monotonic_now() < next.at) {
        changed_.wait_until(lock, instant(next.at));
      } else {
        due_.pop();
        host_.post([this, next] { answer(next); });
      }
    }
  }

  void answer(const Due& due) {
    duet_request* request = host_.raw()->find(host_.raw(), due.id);
    if (request == nullptr) return;
    if (due.run == run_) answered_[due.number] = monotonic_now();
    host_.raw()->respond(request, 200, nullptr, 0, duet::sdk::to_str("by the script\n"));
  }

  std::string record() const {
    std::string json = "{\"stall\":{\"request\":" + std::to_string(stalled_) +
                       ",\"from\":" + std::to_string(stall_from_) +
                       ",\"to\":" + std::to_string(stall_to_) + "},\"answered\":[";
    for (std::size_t k = 0; k < answered_.size(); ++k) {
      if (k > 0) json += ',';
      json += std::to_string(answered_[k]);
    }
    return json + "]}";
  }

  const duet::sdk::Host host_;
  const Nanos low_, high_, stall_at_, stall_, serve_;
  // Of the loop's thread:
  std::vector<Nanos> answered_;
  std::size_t run_ = 0, stalled_ = 0;
  Nanos first_ = 0, stall_from_ = 0, stall_to_ = 0;
  Nanos served_ = 0;  // when the clerk is free again
  // Of both threads, guarded by mutex_:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::priority_queue<Due> due_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

DUET_PLUGIN_HANDLER(Scripted, "scripted", "1.0")
