// Everything that is counted of the requests of one host. The composition root owns it.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/measure/handler_stats.h"
#include "host/measure/ledger.h"
#include "host/measure/loop_meter.h"
#include "host/measure/timeline.h"

namespace duet::measure {

// What a handler is called where its figures are shown.
struct HandlerLabels {
  std::string name;
  std::string language;  // "javascript", "python", "native"
  std::string shape;     // "fetch", "asgi" ...; known once it is loaded
  std::string source;
};

// Loop's thread only.
class Metrics {
 public:
  using RouteIndex = std::uint32_t;

  // `ledger` outlives this.
  explicit Metrics(Ledger& ledger) : ledger_(ledger), loop_meter_(ledger), started_at_(now()) {}
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Handlers are added in the order of their indices (0, 1, 2 ...) and live as long as this does.
  void add_handler(HandlerIndex index, HandlerLabels labels);
  void set_shape(HandlerIndex index, std::string shape) {
    handlers_[index].labels.shape = std::move(shape);
  }
  // Gives the number of a route of that handler, for Outcome::route: 0, 1, 2 ... in order of
  // adding.
  RouteIndex add_route(HandlerIndex handler, std::string_view pattern);

  // The number of a route inside the handler's application, for Outcome::inner_route: never 0.
  // After kMostInnerRoutes of a handler all further ones share the number of kOtherRoutes.
  std::uint32_t inner_route(HandlerIndex handler, unsigned method, std::string_view pattern);
  static constexpr std::size_t kMostInnerRoutes = 256;
  static constexpr std::string_view kOtherRoutes = "(other routes)";
  // What an application with routes has answered by none of them, whatever the method.
  static constexpr std::string_view kNoRoute = "(no route)";

  // A request was routed to `handler`; ended() follows once.
  void started(HandlerIndex handler) { handler_stats_[handler]->started(); }
  // Its timeline is final.
  void ended(const Timeline& timeline, const Outcome& outcome) {
    HandlerStats& stats = *handler_stats_[timeline.handler()];
    stats.record(timeline, outcome);
    stats.ended();
    if (outcome.inner_route == 0) {
      route_stats_[outcome.route]->record(outcome, timeline.total());
    } else {
      InnerRoute& route = *inner_routes_[outcome.inner_route - 1];
      route.stats.record(timeline, outcome);
      route.series.record(outcome, timeline.total());
    }
  }
  // A request that no handler saw: no route, wrong method, malformed. Outcome::route is ignored.
  void ended_unrouted(const Timeline& timeline, const Outcome& outcome) {
    unrouted_.record(timeline, outcome);
    unrouted_series_.record(outcome, timeline.total());
  }

  struct Handler {
    HandlerLabels labels;
    HandlerStats stats;
  };
  struct Route {
    HandlerIndex handler;
    std::string pattern;
    RouteStats stats;
  };
  // Its requests are in the handler's stats, too, but in no Route's: each is in one series.
  struct InnerRoute {
    HandlerIndex handler;
    unsigned method;  // index into kMethodNames
    std::string pattern;
    HandlerStats stats;
    RouteStats series;
  };
  const std::deque<Handler>& handlers() const { return handlers_; }
  const std::deque<Route>& routes() const { return routes_; }
  const std::vector<std::unique_ptr<InnerRoute>>& inner_routes() const { return inner_routes_; }
  const HandlerStats& unrouted() const { return unrouted_; }
  const RouteStats& unrouted_series() const { return unrouted_series_; }
  Ledger& ledger() const { return ledger_; }
  LoopMeter& loop_meter() { return loop_meter_; }
  const LoopMeter& loop_meter() const { return loop_meter_; }
  Nanos started_at() const { return started_at_; }

 private:
  Ledger& ledger_;
  LoopMeter loop_meter_;
  std::deque<Handler> handlers_;
  std::deque<Route> routes_;
  std::vector<HandlerStats*> handler_stats_;  // of handlers_: a deque divides to find an element
  std::vector<RouteStats*> route_stats_;      // of routes_
  std::vector<std::unique_ptr<InnerRoute>> inner_routes_;
  HandlerStats unrouted_;
  RouteStats unrouted_series_;
  Nanos started_at_;
};

}  // namespace duet::measure
