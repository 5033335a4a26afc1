// Simulated traffic of an experiment: a handler compared with itself, or with a slower or worse
// one, under the conditions that fool naive tests.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace duet::stats {

// SplitMix64: fast, and the same everywhere from the same seed.
class Random {
 public:
  // Seeds are mixed first: the streams of neighbouring ones must not be parts of one another.
  explicit Random(std::uint64_t seed) : state_(seed) { state_ = bits() ^ 0x5851f42d4c957f2d; }
  std::uint64_t bits();
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }  // [0, 1)
  double normal();
  bool chance(double p) { return uniform() < p; }

 private:
  std::uint64_t state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

// Experiments for each figure, and the traffic shares of a ramp.
constexpr int kRuns = DUET_SIMULATIONS;
inline const std::vector<double> kRamp = {0.01, 0.05, 0.25, 0.5};

struct Scenario {
  std::size_t requests = 20000;      // of both arms
  std::vector<double> ramp = {0.5};  // arm b's shares, each for an equal part of the requests
  double drift = 0;     // latency grows by this factor from start to end; errors double with 0.3
  bool stalls = false;  // of one arm: 20 to 300 of its requests, slow, in every second one failing
  bool zipf = false;    // sticky keys: few have most of the requests, and each has its own latency
  double error_rate = 0.01;
  double b_slower = 1;         // factor on arm b's latency, stalls included
  double b_cpu = 1;            // factor on the length of arm b's slices
  double b_error_rate = -1;    // error_rate when negative
  double b_actual_share = -1;  // of the requests or keys; as configured when negative
};

struct Request {
  bool b = false;
  bool error = false;
  std::uint64_t key = 0;  // hash; only with zipf
  double latency = 0;     // seconds
  double cpu = 0;         // of its slices on the loop's thread, seconds
  double slice = 0;       // the longest of them
};

class Traffic {
 public:
  Traffic(const Scenario& scenario, std::uint64_t seed);

  bool more() const { return at_ < scenario_.requests; }
  double share() const;       // as configured, for the next request
  std::size_t stage() const;  // index into the ramp
  Request next();

 private:
  void stall(Request& request);
  void run(Request& request, double slower);
  std::size_t zipf_key();

  const Scenario& scenario_;
  Random random_;
  Random slices_;  // of its own: what it draws changes nothing else
  std::uint64_t salt_;
  std::size_t at_ = 0;
  std::array<int, 2> stalled_{};  // requests that each arm's stall still lasts
  std::array<bool, 2> failing_{};
};

}  // namespace duet::stats
