// What a run says, as a table for a person and as JSON for a program. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/bench/plan.h"
#include "host/cli/bench_run.h"

namespace duet::cli {

struct TextStyle {
  bool color = false;
};

// The table, and below it what spoils a figure or explains it. A figure that the generator's own
// lag makes up is not shown but called void.
std::string bench_text(const bench::Plan& plan, const BenchResult& result, const TextStyle& style);

// "poisson arrivals, 1,000 requests a second, 64 connections each; ..."
std::string run_description(const bench::Plan& plan, const BenchResult& result);
// What spoils a figure or explains it, a line each.
std::vector<std::string> bench_notes(const bench::Plan& plan, const BenchResult& result);

// Durations in nanoseconds; null where there is no figure, and "void" then says why.
nlohmann::ordered_json bench_json(const bench::Plan& plan, const BenchResult& result);

}  // namespace duet::cli
