// Which variant a key belongs to: a pure function of salt, key and weights, so it is the same on
// every host and after every restart, and nothing is stored.
//
// The hash, for whoever wants to know beforehand or in another language:
//
//   h = 0xcbf29ce484222325                       FNV-1a, 64 bits
//   for each byte b of salt, 0x00, key:  h = (h xor b) * 0x100000001b3
//   h = (h xor h >> 30) * 0xbf58476d1ce4e5b9     the finaliser of SplitMix64
//   h = (h xor h >> 27) * 0x94d049bb133111eb
//   h = h xor h >> 31
//
// Its upper 32 bits are the key's place on the line [0, 2^32), on which each variant has its part.
// Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace duet::experiment {

std::uint64_t hash_key(std::string_view salt, std::string_view key);
// The same in two steps: what depends on the salt alone is worth keeping.
std::uint64_t hash_salt(std::string_view salt);
std::uint64_t hash_key(std::uint64_t salted, std::string_view key);

// Divides the line among variants. The control has what no other variant takes.
//
// Raising a weight moves nobody who is in a variant other than the control: the first such variant
// grows from the left end, the second from the right end. With three or more, each grows within a
// lane of its own, and the promise holds as long as none of them has more than 1/(their number):
// for more no stateless rule can keep it.
class Split {
 public:
  // `weights` need not add up to 1. Errors: none or more than 64, negative or not finite ones, a
  // sum of 0, no such control.
  static Result<Split> create(std::span<const double> weights, std::size_t control);

  // The variant of a key, by its hash.
  std::size_t variant(std::uint64_t hash) const {
    const std::uint64_t at = hash >> 32;
    std::size_t found = control_;  // without a branch: nobody foretells it
    for (const Part& part : parts_) {
      found = at - part.begin < part.length ? part.variant : found;
    }
    return found;
  }
  // The part of the line that is a variant's, as configured: 0..1.
  double share(std::size_t variant) const { return shares_[variant]; }
  std::size_t variants() const { return shares_.size(); }
  std::size_t control() const { return control_; }

 private:
  struct Part {
    std::uint64_t begin, length;  // of [0, 2^32)
    std::uint32_t variant;
  };
  Split() = default;
  void lay_out();

  std::vector<double> shares_;
  std::vector<Part> parts_;  // of the variants other than the control; disjoint, ascending
  std::size_t control_ = 0;
};

// Who takes part at all. Both are decided by hashes of their own, so that they have nothing to do
// with the variant, and raising `eligible` moves nobody out.
struct Participation {
  double eligible = 1;  // share of the keys that may take part
  double holdout = 0;   // share that never does, in no experiment with this salt
};
bool takes_part(const Participation& participation, std::string_view salt, std::string_view key);

}  // namespace duet::experiment
