// The random numbers of schedules and resamples: the same seed gives the same run on any machine.
#pragma once

#include <cmath>
#include <cstdint>

namespace duet::bench {

// SplitMix64 (Steele, Lea & Flood 2014): passes the usual tests, eight bytes of state.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)
  std::uint64_t below(std::uint64_t end) { return next() % end; }           // end > 0
  double exponential() { return -std::log1p(-uniform()); }                  // mean 1

 private:
  std::uint64_t state_;
};

}  // namespace duet::bench
