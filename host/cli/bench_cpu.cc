#include "host/cli/bench_cpu.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace duet::cli {

namespace {

using Json = nlohmann::ordered_json;

Nanos nanos(const Json& seconds) {
  return static_cast<Nanos>(std::llround(seconds.get<double>() * 1e9));
}

}  // namespace

HostCpu operator-(const HostCpu& after, const HostCpu& before) {
  return {after.handlers - before.handlers, after.host - before.host,
          after.engines - before.engines, after.unattributed - before.unattributed,
          after.gc - before.gc};
}

Result<HostCpu> host_cpu_of(std::string_view handlers_json) {
  try {
    const Json document = Json::parse(handlers_json);
    HostCpu cpu;
    for (const Json& one : document.at("handlers")) {
      const Json& spent = one.at("cpu_seconds");
      cpu.handlers += nanos(spent.at("run")) + nanos(spent.at("pool"));
      cpu.host += nanos(spent.at("host"));
    }
    for (const Json& one : document.at("engines")) {
      if (const Json& gc = one.at("gc_seconds"); !gc.is_null()) cpu.gc += nanos(gc);
    }
    const Json& spent = document.at("cpu_seconds");
    cpu.engines = nanos(spent.at("engines"));
    cpu.unattributed = nanos(spent.at("process")) - cpu.handlers - cpu.host - cpu.engines;
    return cpu;
  } catch (const Json::exception& problem) {
    return Error{
        std::string("the account of a host cannot be read: ") + problem.what(), {}, {}, {}};
  }
}

std::uint64_t requests_since(const std::vector<bench::Sample>& samples, std::uint16_t arm,
                             Nanos from) {
  return static_cast<std::uint64_t>(
      std::count_if(samples.begin(), samples.end(), [&](const bench::Sample& sample) {
        return sample.arm == arm && sample.due >= from && sample.tried != bench::kNever;
      }));
}

}  // namespace duet::cli
