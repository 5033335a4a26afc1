// What is kept of a handler's requests: counts, and durations by phase.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "host/base/clock.h"
#include "host/measure/histogram.h"
#include "host/measure/native_buckets.h"
#include "host/measure/timeline.h"
#include "host/measure/trace_context.h"

namespace duet::measure {

// A request's method by number, in the order of http::Method (which measure/ does not know); a test
// holds the two together. Others are counted as one, so that clients cannot make series.
inline constexpr std::array<std::string_view, 10> kMethodNames = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "_OTHER"};

// How a request ended.
struct Outcome {
  std::uint32_t route = 0;                    // Metrics::add_route()'s number
  std::uint32_t inner_route = 0;              // Metrics::inner_route()'s; 0: none
  std::uint16_t status = 0;                   // of the answer; 0: none was sent
  std::uint8_t method = 0;                    // index into kMethodNames
  bool timed_out = false;                     // answered 504 at its deadline
  bool client_gone = false;                   // the client left before the answer was complete
  std::uint64_t bytes_in = 0, bytes_out = 0;  // of the bodies
  const TraceSpan* trace = nullptr;           // when it is sampled; valid in the call
};

// Counts in the buckets that the exposition shows, exactly. `kBounds` ascend.
template <const auto& kBounds>
class Buckets {
 public:
  // The bucket that it belongs to.
  std::size_t record(std::int64_t value) {
    std::size_t bucket = kFirst[std::bit_width(static_cast<std::uint64_t>(value < 0 ? 0 : value))];
    while (bucket < kBounds.size() && value > kBounds[bucket]) ++bucket;
    ++counts_[bucket];
    sum_ += value;
    return bucket;
  }
  std::uint64_t in(std::size_t bucket) const { return counts_[bucket]; }  // not cumulative
  std::int64_t sum() const { return sum_; }

 private:
  // For each bit width the first bucket that a value of it can belong to.
  static constexpr auto kFirst = [] {
    std::array<std::uint8_t, 65> first{};
    for (int width = 0; width <= 64; ++width) {
      const std::uint64_t least = width == 0 ? 0 : std::uint64_t{1} << (width - 1);
      std::size_t bucket = 0;
      while (bucket < kBounds.size() && least > static_cast<std::uint64_t>(kBounds[bucket])) {
        ++bucket;
      }
      first[width] = static_cast<std::uint8_t>(bucket);
    }
    return first;
  }();

  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  std::int64_t sum_ = 0;
};

// OpenTelemetry's advice for request durations (5 ms to 10 s) and below it down to 10 us.
inline constexpr std::array<Nanos, 22> kRequestBounds = {
    10 * kMicrosecond,   25 * kMicrosecond,   50 * kMicrosecond,
    100 * kMicrosecond,  250 * kMicrosecond,  500 * kMicrosecond,
    kMillisecond,        2500 * kMicrosecond, 5 * kMillisecond,
    10 * kMillisecond,   25 * kMillisecond,   50 * kMillisecond,
    75 * kMillisecond,   100 * kMillisecond,  250 * kMillisecond,
    500 * kMillisecond,  750 * kMillisecond,  kSecond,
    2500 * kMillisecond, 5 * kSecond,         7500 * kMillisecond,
    10 * kSecond};
// Phases begin at a microsecond, where a hello-world handler's are.
inline constexpr std::array<Nanos, 19> kPhaseBounds = {kMicrosecond,        2500,
                                                       5 * kMicrosecond,    10 * kMicrosecond,
                                                       25 * kMicrosecond,   50 * kMicrosecond,
                                                       100 * kMicrosecond,  250 * kMicrosecond,
                                                       500 * kMicrosecond,  kMillisecond,
                                                       2500 * kMicrosecond, 5 * kMillisecond,
                                                       10 * kMillisecond,   25 * kMillisecond,
                                                       50 * kMillisecond,   100 * kMillisecond,
                                                       500 * kMillisecond,  kSecond,
                                                       10 * kSecond};
inline constexpr std::array<std::int64_t, 7> kSizeBounds = {0,       100,       1'000,     10'000,
                                                            100'000, 1'000'000, 10'000'000};

// The latest sampled request of a bucket, so that a slow bucket leads to a trace.
struct Exemplar {
  TraceSpan trace;
  Nanos value = 0;
  Nanos at = 0;  // since 1970; 0: there is none
};

// Requests of one route that had the same method and status.
struct Series {
  std::uint16_t status = 0;
  std::uint8_t method = 0;
  bool overflow = false;  // of all that found no room: method and status mean nothing
  Buckets<kRequestBounds> duration;
  NativeBuckets native;  // of the same durations
  std::unique_ptr<std::array<Exemplar, kRequestBounds.size() + 1>> exemplars;  // null: none
  Buckets<kSizeBounds> request_body, response_body;
};

// The series of one route. A handler can answer any of 400 statuses: after kMost combinations the
// rest is counted together.
class RouteStats {
 public:
  static constexpr std::size_t kMost = 48;

  void record(const Outcome& outcome, Nanos duration) {
    Series& series = find(outcome);
    const std::size_t bucket = series.duration.record(duration);
    series.native.record(duration);
    if (outcome.trace != nullptr) keep(series, bucket, {*outcome.trace, duration, wall_now()});
    series.request_body.record(static_cast<std::int64_t>(outcome.bytes_in));
    series.response_body.record(static_cast<std::int64_t>(outcome.bytes_out));
  }
  std::span<const Series> series() const { return series_; }

 private:
  Series& find(const Outcome& outcome) {
    if (last_ < series_.size()) [[likely]] {
      Series& series = series_[last_];
      if (series.status == outcome.status && series.method == outcome.method && !series.overflow) {
        return series;
      }
    }
    return find_slowly(outcome);
  }
  Series& find_slowly(const Outcome& outcome);
  static void keep(Series& series, std::size_t bucket, const Exemplar& exemplar);

  std::vector<Series> series_;
  std::size_t last_ = 0;  // most requests are like the one before
};

// Durations by phase of one handler. Phases of zero length are not recorded one by one: how many
// there were follows from the total, and quantiles are over all requests.
class HandlerStats {
 public:
  void record(const Timeline& timeline, const Outcome& outcome) {
    total_.record(timeline.total());
    for (int i = 0; i < kPhases; ++i) {
      const Nanos spent = timeline.spent(static_cast<Phase>(i));
      if (spent > 0) phases_[i].record(spent);
    }
    if (timeline.unaccounted() > 0) unaccounted_.record(timeline.unaccounted());
    if (timeline.gc() > 0) gc_.record(timeline.gc());
    const unsigned status_class = outcome.status / 100u;
    ++by_class_[status_class < by_class_.size() ? status_class : 0];
    coalesced_ += timeline.coalesced();
    timeouts_ += outcome.timed_out;
    clients_gone_ += outcome.client_gone;
    bytes_in_ += outcome.bytes_in;
    bytes_out_ += outcome.bytes_out;
  }

  void started() { ++in_flight_; }
  void ended() { --in_flight_; }

  std::uint64_t requests() const { return total_.count(); }  // that are over
  std::int64_t in_flight() const { return in_flight_; }
  // Requests by the first digit of their status; 0: no answer was sent.
  std::uint64_t with_class(unsigned digit) const { return by_class_[digit]; }
  std::uint64_t coalesced() const { return coalesced_; }
  std::uint64_t timeouts() const { return timeouts_; }
  std::uint64_t clients_gone() const { return clients_gone_; }
  std::uint64_t bytes_in() const { return bytes_in_; }
  std::uint64_t bytes_out() const { return bytes_out_; }

  const Histogram& total() const { return total_; }
  const Histogram& phase(Phase phase) const { return phases_[static_cast<int>(phase)]; }
  const Histogram& unaccounted() const { return unaccounted_; }
  const Histogram& gc() const { return gc_; }
  // Requests that spent no time in what `histogram` (one of ours) counts.
  std::uint64_t zeros(const Histogram& histogram) const {
    return total_.count() - histogram.count();
  }

 private:
  Histogram total_;
  std::array<Histogram, kPhases> phases_;
  Histogram unaccounted_, gc_;
  std::array<std::uint64_t, 6> by_class_{};
  std::int64_t in_flight_ = 0;
  std::uint64_t coalesced_ = 0, timeouts_ = 0, clients_gone_ = 0;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
};

}  // namespace duet::measure
