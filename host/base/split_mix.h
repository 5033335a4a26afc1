// SplitMix64: a stream of 64 random bits a step from 64 bits of state, and its finaliser, which
// spreads each bit of a number over all of them (Steele, Lea, Flood: Fast Splittable Pseudorandom
// Number Generators, 2014; the constants are Stafford's Mix13). Not for secrets. Any thread.
#pragma once

#include <cstdint>

namespace duet {

constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// The next number of the stream; any value of `state` begins one.
constexpr std::uint64_t split_mix(std::uint64_t& state) {
  return mix64(state += 0x9e3779b97f4a7c15);
}

}  // namespace duet
