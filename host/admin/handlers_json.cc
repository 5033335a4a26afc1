#include "host/admin/handlers_json.h"

#include <nlohmann/json.hpp>

#include "host/admin/micros.h"

namespace duet::admin {
namespace {

using Json = nlohmann::ordered_json;
using measure::HandlerSnapshot;
using measure::Phase;
using measure::Spread;

double seconds(Nanos nanos) { return static_cast<double>(nanos) / 1e9; }

Json spread(const Spread& spread) {
  return {{"p50", micros(spread.p50)},
          {"p90", micros(spread.p90)},
          {"p99", micros(spread.p99)},
          {"max", micros(spread.max)},
          {"mean", spread.mean / 1000}};
}

Json statuses(const HandlerSnapshot& one) {
  return {{"1xx", one.by_class[1]}, {"2xx", one.by_class[2]}, {"3xx", one.by_class[3]},
          {"4xx", one.by_class[4]}, {"5xx", one.by_class[5]}, {"none", one.by_class[0]}};
}

// In the order in which a request meets them.
constexpr Phase kOrder[] = {Phase::kQueue, Phase::kParse, Phase::kGil,  Phase::kRun,
                            Phase::kAwait, Phase::kReady, Phase::kPool, Phase::kWrite};

Json phases_of(const std::array<Spread, measure::kPhases>& spreads) {
  Json phases = Json::object();
  for (const Phase phase : kOrder) {
    phases[std::string(measure::phase_name(phase))] = spread(spreads[static_cast<int>(phase)]);
  }
  return phases;
}

Json inner_routes(const HandlerSnapshot& one) {
  Json routes = Json::array();
  for (const measure::InnerRouteSnapshot& route : one.inner_routes) {
    routes.push_back({{"method", route.method},
                      {"route", route.pattern},
                      {"requests", route.requests},
                      {"errors", route.errors},
                      {"total_us", spread(route.total)},
                      {"phases_us", phases_of(route.phases)}});
  }
  return routes;
}

Json handler(const measure::Snapshot& shot, const HandlerSnapshot& one) {
  Json waited = Json::object();
  for (std::size_t i = 0; i < one.waited_for.size(); ++i) {
    if (one.waited_for[i] > 0) {
      waited[shot.handlers[i].labels.name] = micros(one.waited_for[i]);
    }
  }
  const double requests = one.requests == 0 ? 1 : static_cast<double>(one.requests);
  return {{"name", one.labels.name},
          {"language", one.labels.language},
          {"shape", one.labels.shape},
          {"source", one.labels.source},
          {"routes", one.routes},
          {"inner_routes", inner_routes(one)},
          {"requests", one.requests},
          {"in_flight", one.in_flight},
          {"statuses", statuses(one)},
          {"errors", one.errors()},
          {"timeouts", one.timeouts},
          {"clients_gone", one.clients_gone},
          {"coalesced", one.coalesced},
          {"bytes_in", one.bytes_in},
          {"bytes_out", one.bytes_out},
          {"total_us", spread(one.total)},
          {"phases_us", phases_of(one.phases)},
          {"unaccounted_us", spread(one.unaccounted)},
          {"gc_us", spread(one.gc)},
          {"cpu_us_per_request", micros(one.cpu()) / requests},
          {"cpu_seconds",
           {{"run", seconds(one.run_cpu)},
            {"host", seconds(one.host_cpu)},
            {"pool", seconds(one.pool_cpu)}}},
          {"gc_seconds", seconds(one.gc_time)},
          {"waited_for_us", waited}};
}

// What an engine does not know is null.
Json known(std::int64_t value) { return value < 0 ? Json() : Json(value); }

Json engine(const measure::EngineSnapshot& one) {
  return {{"name", one.name},
          {"heap_used_bytes", known(one.heap_used)},
          {"heap_total_bytes", known(one.heap_total)},
          {"heap_limit_bytes", known(one.heap_limit)},
          {"gc_count", known(one.gc_count)},
          {"gc_seconds", one.gc_time < 0 ? Json() : Json(seconds(one.gc_time))},
          {"background_cpu_seconds", seconds(one.background_cpu)}};
}

}  // namespace

std::string handlers_json(const measure::Snapshot& shot) {
  Json handlers = Json::array();
  for (const HandlerSnapshot& one : shot.handlers) handlers.push_back(handler(shot, one));
  Json engines = Json::array();
  for (const measure::EngineSnapshot& one : shot.engines) engines.push_back(engine(one));
  const measure::CpuSnapshot& cpu = shot.cpu;
  const Json document = {
      {"uptime_seconds", seconds(shot.uptime)},
      {"handlers", handlers},
      {"unrouted", {{"requests", shot.unrouted.requests}, {"statuses", statuses(shot.unrouted)}}},
      {"engines", engines},
      {"cpu_seconds",
       {{"process", seconds(cpu.process())},
        {"handlers", seconds(cpu.handlers)},
        {"engines", seconds(cpu.engines)},
        {"unattributed",
         {{"loop", seconds(cpu.loop)},
          {"start", seconds(cpu.starting)},
          {"other", seconds(cpu.other)}}}}},
      {"loop",
       {{"iterations", shot.loop.iterations},
        {"busy_seconds", seconds(shot.loop.busy)},
        {"iteration_us", spread(shot.loop.iteration)}}},
      {"memory",
       {{"resident_bytes", shot.process.resident_bytes},
        {"virtual_bytes", shot.process.virtual_bytes}}}};
  // Names come from file names, which may be any bytes.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace duet::admin
