#include "host/measure/metrics.h"

#include <utility>

#include "host/base/check.h"

namespace duet::measure {

void Metrics::add_handler(HandlerIndex index, HandlerLabels labels) {
  DUET_CHECK(index == handlers_.size());
  Handler& handler = handlers_.emplace_back();
  handler.labels = std::move(labels);
  handler_stats_.push_back(&handler.stats);
}

Metrics::RouteIndex Metrics::add_route(HandlerIndex handler, std::string_view pattern) {
  DUET_CHECK(handler < handlers_.size());
  Route& route = routes_.emplace_back();
  route.handler = handler;
  route.pattern = pattern;
  route_stats_.push_back(&route.stats);
  return static_cast<RouteIndex>(routes_.size() - 1);
}

}  // namespace duet::measure
