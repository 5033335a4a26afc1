// The figures of one moment as plain values, for everything that shows them: the admin API, the
// exposition, the table on the terminal. Durations are in nanoseconds.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/measure/metrics.h"
#include "host/measure/process_usage.h"
#include "host/measure/variant_figures.h"

namespace duet::measure {

// Over all requests, those that spent no time in it included.
struct Spread {
  Nanos p50 = 0, p90 = 0, p99 = 0, max = 0;
  double mean = 0;
  Nanos sum = 0;
  std::uint64_t nonzero = 0;  // requests that spent time in it
};
Spread spread(const Histogram& histogram, std::uint64_t zeros = 0);

// What an application's own route had.
struct InnerRouteSnapshot {
  std::string method, pattern;
  std::uint64_t requests = 0, errors = 0;
  Spread total;
  std::array<Spread, kPhases> phases;
};

struct HandlerSnapshot {
  HandlerLabels labels;
  std::vector<std::string> routes;
  std::vector<InnerRouteSnapshot> inner_routes;  // that had requests; the most frequent first
  std::uint64_t requests = 0;                    // that are over
  std::int64_t in_flight = 0;
  std::array<std::uint64_t, 6> by_class{};  // by the first digit of the status; 0: no answer
  std::uint64_t coalesced = 0, timeouts = 0, clients_gone = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  Spread total;
  std::array<Spread, kPhases> phases;
  Spread unaccounted, gc;
  Nanos slice_time = 0, gc_time = 0;
  Nanos run_cpu = 0, host_cpu = 0, pool_cpu = 0;
  std::vector<Nanos> waited_for;  // by handler: how long its requests waited because of that one

  const Spread& phase(Phase phase) const { return phases[static_cast<int>(phase)]; }
  Nanos cpu() const { return run_cpu + host_cpu + pool_cpu; }
  std::uint64_t errors() const { return by_class[5] + by_class[0]; }
};

// An engine's own account, beside the slices (Runtime::usage()). Unknown numbers are -1.
struct EngineSnapshot {
  std::string name;  // "javascript", "python", "native"
  std::int64_t heap_used = -1, heap_total = -1, heap_limit = -1;
  std::int64_t gc_count = -1;
  Nanos gc_time = -1;
  Nanos background_cpu = 0;
};

// The process's CPU time divided: handlers + engines + unattributed() = process().
struct CpuSnapshot {
  Nanos handlers = 0;  // run, host and pool of all
  Nanos engines = 0;   // the engines' own threads
  Nanos loop = 0;      // the loop's thread outside any handler's work
  Nanos starting = 0;  // the loop's thread before the host served
  Nanos other = 0;     // other threads: libuv's pool (files, names), the watchdog
  Nanos user = 0, system = 0;

  Nanos process() const { return user + system; }
  Nanos unattributed() const { return loop + starting + other; }
};

struct LoopSnapshot {
  std::uint64_t iterations = 0;  // that had something to do
  Nanos busy = 0;                // wall time of them
  Spread iteration;
};

// Of spans that were to be exported.
struct SpanFigures {
  std::uint64_t delivered = 0, lost = 0;
};

struct Snapshot {
  std::vector<HandlerSnapshot> handlers;  // by HandlerIndex
  HandlerSnapshot unrouted;               // requests that no handler saw
  std::vector<EngineSnapshot> engines;
  CpuSnapshot cpu;
  LoopSnapshot loop;
  ProcessUsage process;
  Nanos uptime = 0;
  std::vector<ExperimentFigures> experiments;  // by whoever has them
  std::optional<SpanFigures> spans;            // likewise
};

// Settles the ledger's CPU and reads the process's. About 50 us a handler. Loop's thread only.
Snapshot take_snapshot(Metrics& metrics, std::vector<EngineSnapshot> engines);

}  // namespace duet::measure
