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

std::uint32_t Metrics::inner_route(HandlerIndex handler, unsigned method,
                                   std::string_view pattern) {
  std::size_t known = 0;
  std::uint32_t others = 0;
  if (pattern == kNoRoute || pattern == kOtherRoutes) method = kMethodNames.size() - 1;
  for (std::size_t i = 0; i < inner_routes_.size(); ++i) {
    const InnerRoute& route = *inner_routes_[i];
    if (route.handler != handler) continue;
    ++known;
    const auto number = static_cast<std::uint32_t>(i + 1);
    if (route.pattern == pattern && route.method == method) return number;
    if (route.pattern == kOtherRoutes) others = number;
  }
  const bool full = known + 1 >= kMostInnerRoutes;
  if (full && others != 0) return others;
  auto route = std::make_unique<InnerRoute>();
  route->handler = handler;
  route->method = method;
  route->pattern = pattern;
  if (full) {
    route->method = kMethodNames.size() - 1;
    route->pattern = kOtherRoutes;
  }
  inner_routes_.push_back(std::move(route));
  return static_cast<std::uint32_t>(inner_routes_.size());
}

}  // namespace duet::measure
