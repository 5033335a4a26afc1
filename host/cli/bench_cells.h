// Figures of a run as the cells of tables. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/bench/plan.h"
#include "host/bench/summary.h"
#include "host/cli/bench_run.h"

namespace duet::cli {

double per_second(std::uint64_t count, Nanos time);
std::string rate_text(double rate);  // "12.5", "1,234"
std::string plain(Nanos value);      // a duration; "-" for kNever
std::string quantile_name(double p);
// The cores that 10,000 requests a second take, by the nanoseconds of CPU time of each: "0.0172".
std::string cores_text(double cpu);
// Whether so few requests were sent that the quantile would be their slowest by chance alone: less
// than one of them lies beyond it.
bool too_few(const bench::Summary& summary, double p);
// A latency, or the word for why there is none: "void", "no answer", "too few", "-".
std::string latency_cell(const bench::Summary& summary, double p);

// The steps of a ramp: a row for each of them and arm.
std::string steps_table(const std::vector<std::string>& names, const BenchResult& result);

// By how many bytes a server has grown since the warm-up; a garbage collector may have given back.
std::optional<std::int64_t> memory_growth(const ArmState& state);

using Row = std::vector<std::string>;
// Rows about idle connections, CPU and memory, those of which something is known.
std::vector<Row> state_rows(const bench::Plan& plan, const BenchResult& result);

}  // namespace duet::cli
