// By how much every quantile differs between two finished runs: for the lab, where nobody looks
// before the end.
//
// The arms ran in interleaved blocks of at most a second, and the block is the unit: what one
// request of a block met, the next one met too. So whole blocks are resampled, both arms of a block
// together (Kalibera & Jones, "Rigorous benchmarking in reasonable time", ISMM 2013), and the band
// holds for all quantiles at once: at each it reaches as many standard errors as the largest
// deviation that a share `confidence` of the resamples show at any of them.
//
// Pure: the same seed gives the same band. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/base/result.h"

namespace duet::stats {

// One block's observations by bucket, ascending; all blocks have the same buckets.
struct PairedBlock {
  std::vector<double> a, b;  // counts
};

struct ShiftPoint {
  double p = 0;
  double a = 0;              // arm a's p-quantile, in the unit of the edges
  double difference = 0;     // arm b's minus arm a's
  double low = 0, high = 0;  // of the difference, simultaneous over all p
};

struct ShiftOptions {
  double confidence = 0.95;
  int resamples = 2000;
  std::uint64_t seed = 1;
};

// `edges`: where buckets begin, and where the last one ends. Observations are taken to lie evenly
// inside their bucket. Errors: fewer than 10 blocks (a resample of them says nothing), an arm
// without observations, shapes that do not fit, a p or confidence outside (0, 1).
Result<std::vector<ShiftPoint>> shift_function(std::span<const PairedBlock> blocks,
                                               std::span<const double> edges,
                                               std::span<const double> ps,
                                               const ShiftOptions& options = {});

}  // namespace duet::stats
