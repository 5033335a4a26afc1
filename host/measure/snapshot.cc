#include "host/measure/snapshot.h"

#include <algorithm>
#include <utility>

namespace duet::measure {
namespace {

HandlerSnapshot of_stats(const HandlerStats& stats) {
  HandlerSnapshot shot;
  shot.requests = stats.requests();
  shot.in_flight = stats.in_flight();
  for (unsigned digit = 0; digit < shot.by_class.size(); ++digit) {
    shot.by_class[digit] = stats.with_class(digit);
  }
  shot.coalesced = stats.coalesced();
  shot.timeouts = stats.timeouts();
  shot.clients_gone = stats.clients_gone();
  shot.bytes_in = stats.bytes_in();
  shot.bytes_out = stats.bytes_out();
  shot.total = spread(stats.total());
  for (int i = 0; i < kPhases; ++i) {
    const Histogram& phase = stats.phase(static_cast<Phase>(i));
    shot.phases[i] = spread(phase, stats.zeros(phase));
  }
  shot.unaccounted = spread(stats.unaccounted(), stats.zeros(stats.unaccounted()));
  shot.gc = spread(stats.gc(), stats.zeros(stats.gc()));
  return shot;
}

InnerRouteSnapshot of_inner_route(const Metrics::InnerRoute& route) {
  InnerRouteSnapshot shot;
  if (route.pattern != Metrics::kOtherRoutes && route.pattern != Metrics::kNoRoute) {
    shot.method = kMethodNames[route.method];
  }
  shot.pattern = route.pattern;
  shot.requests = route.stats.requests();
  shot.errors = route.stats.with_class(5) + route.stats.with_class(0);
  shot.total = spread(route.stats.total());
  for (int i = 0; i < kPhases; ++i) {
    const Histogram& phase = route.stats.phase(static_cast<Phase>(i));
    shot.phases[i] = spread(phase, route.stats.zeros(phase));
  }
  return shot;
}

}  // namespace

Spread spread(const Histogram& histogram, std::uint64_t zeros) {
  return {histogram.quantile(0.5, zeros),
          histogram.quantile(0.9, zeros),
          histogram.quantile(0.99, zeros),
          histogram.max(),
          histogram.mean(zeros),
          histogram.sum(),
          histogram.count()};
}

Snapshot take_snapshot(Metrics& metrics, std::vector<EngineSnapshot> engines) {
  Ledger& ledger = metrics.ledger();
  const Nanos at = now();
  ledger.settle_cpu(at);

  Snapshot shot;
  shot.process = process_usage();
  shot.uptime = at - metrics.started_at();
  Nanos pools = 0;
  const auto count = static_cast<HandlerIndex>(metrics.handlers().size());
  for (HandlerIndex h = 0; h < count; ++h) {
    const Metrics::Handler& handler = metrics.handlers()[h];
    HandlerSnapshot& one = shot.handlers.emplace_back(of_stats(handler.stats));
    one.labels = handler.labels;
    one.slice_time = ledger.slice_time(h);
    one.gc_time = ledger.gc_time(h);
    one.run_cpu = ledger.run_cpu(h);
    one.host_cpu = ledger.host_cpu(h);
    one.pool_cpu = ledger.pool_cpu(h);
    for (HandlerIndex other = 0; other < count; ++other) {
      one.waited_for.push_back(ledger.blame(h, other));
    }
    shot.cpu.handlers += one.cpu();
    pools += one.pool_cpu;
  }
  for (const Metrics::Route& route : metrics.routes()) {
    shot.handlers[route.handler].routes.push_back(route.pattern);
  }
  for (const auto& route : metrics.inner_routes()) {
    if (route->stats.requests() == 0) continue;
    shot.handlers[route->handler].inner_routes.push_back(of_inner_route(*route));
  }
  for (HandlerSnapshot& one : shot.handlers) {
    std::stable_sort(one.inner_routes.begin(), one.inner_routes.end(),
                     [](const InnerRouteSnapshot& a, const InnerRouteSnapshot& b) {
                       return a.requests > b.requests;
                     });
  }
  shot.unrouted = of_stats(metrics.unrouted());

  for (const EngineSnapshot& engine : engines) shot.cpu.engines += engine.background_cpu;
  shot.engines = std::move(engines);
  shot.cpu.loop = ledger.loop_cpu();
  shot.cpu.starting = ledger.started_cpu();
  shot.cpu.user = shot.process.user_cpu;
  shot.cpu.system = shot.process.system_cpu;
  shot.cpu.other =
      shot.cpu.process() - ledger.started_cpu() - ledger.thread_cpu() - pools - shot.cpu.engines;

  const Histogram& iterations = metrics.loop_meter().iterations();
  shot.loop = {iterations.count(), metrics.loop_meter().busy(), spread(iterations)};
  return shot;
}

}  // namespace duet::measure
