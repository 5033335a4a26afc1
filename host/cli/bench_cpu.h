// Where a host that the bench serves spends the CPU time of a request, by its own ledger.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/bench/sample.h"

namespace duet::cli {

// Since the host's start; the parts make up its process.
struct HostCpu {
  Nanos handlers = 0;      // their own work, on the loop and in pools
  Nanos host = 0;          // the host's work for their requests
  Nanos engines = 0;       // the engines' own threads
  Nanos unattributed = 0;  // what belongs to no request
  Nanos gc = 0;            // wall time, within the above; 0 when no engine knows
  Nanos process() const { return handlers + host + engines + unattributed; }
};
HostCpu operator-(const HostCpu& after, const HostCpu& before);

// The answer of /api/handlers. Error: it is no such thing.
Result<HostCpu> host_cpu_of(std::string_view handlers_json);

// What was spent on so many requests: at least 1.
struct CpuUse {
  HostCpu spent;
  std::uint64_t requests = 1;
  Nanos each(Nanos part) const { return part / static_cast<Nanos>(requests); }
};

// The requests of that arm that were due at `from` or later.
std::uint64_t requests_since(const std::vector<bench::Sample>& samples, std::uint16_t arm,
                             Nanos from);

}  // namespace duet::cli
