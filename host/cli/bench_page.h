// A run of `duet bench` as a page that stands alone. Pure.
#pragma once

#include <string>

#include "host/bench/plan.h"
#include "host/cli/bench_run.h"

namespace duet::cli {

// Verdict first; then the figures with their intervals, the ratios, the difference at each
// quantile, the latencies over time and as histograms, and how the run was made.
std::string bench_page(const bench::Plan& plan, const BenchResult& result);

}  // namespace duet::cli
