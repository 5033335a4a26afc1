// The pipeline's step between routing and dispatch: which variant of an experiment answers; and
// what is told to the experiment when the request is over. Owns the experiments of a host, and
// looks at them every 100 ms while something happens: an idle host is not woken. Loop's thread
// only.
#pragma once

#include <uv.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/exchange.h"
#include "host/experiment/live.h"
#include "host/http/router.h"
#include "host/loop/loop.h"
#include "host/pipeline.h"

namespace duet {

class PipelineExperiments final : public PipelineObserver {
 public:
  explicit PipelineExperiments(Loop& loop);
  ~PipelineExperiments();
  PipelineExperiments(const PipelineExperiments&) = delete;
  PipelineExperiments& operator=(const PipelineExperiments&) = delete;

  // Gives its number: 0, 1, 2 ...
  std::uint32_t add(std::unique_ptr<experiment::Live> live);
  // `infos`: who the request is for, by variant.
  void attach_route(std::uint32_t route, std::uint32_t number, std::vector<HandlerInfo> infos);
  // The route `pattern` of the application `handler` (as its framework writes it), whatever route
  // of the host leads there. Errors: a malformed pattern, or one that is attached already.
  Result<void> attach_application(const HandlerSpec& handler, std::string_view pattern,
                                  std::uint32_t number, std::vector<HandlerInfo> infos);

  struct Target {
    measure::HandlerIndex handler;
    const HandlerInfo* info;
  };
  // Who answers a request that was routed to `handler` by `route`: null when it is in no
  // experiment. Fills exchange.assignment().
  const Target* choose(Exchange& exchange, std::uint32_t route, measure::HandlerIndex handler);

  void over(const Exchange& exchange) noexcept override;

  // Looks at all of them now.
  void look();
  // Something happened outside of requests (an operator's word): look soon.
  void wake();

  std::size_t size() const { return all_.size(); }
  experiment::Live& live(std::size_t number) { return *all_[number]->live; }
  experiment::Live* find(std::string_view name);

  // Told of each request that got a variant, before it is dispatched. May be empty.
  std::function<void(Exchange&)> on_chosen;
  // Told of each decision, on the loop's thread.
  std::function<void(experiment::Live&, const experiment::Decision&)> on_decision;
  // Called after each look, at the time of it. True: look again though nothing happens.
  std::function<bool(Nanos at)> on_looked;

 private:
  struct One {
    std::unique_ptr<experiment::Live> live;
    std::vector<std::string> fields;  // "Duet-Variant: ...\r\n", by variant
  };
  struct Attached {
    std::uint32_t number;
    std::deque<HandlerInfo> infos;
    std::vector<Target> targets;  // by variant
  };
  struct Application {
    std::string root_path;
    http::Router router;
  };

  std::uint32_t attach(std::uint32_t number, std::vector<HandlerInfo> infos);
  const Attached* inside(const Exchange& exchange, measure::HandlerIndex handler);
  void look_at(experiment::Live& live, Nanos at);

  std::vector<std::unique_ptr<One>> all_;
  std::deque<Attached> attached_;
  std::vector<Attached*> by_route_;  // null: in none
  std::map<measure::HandlerIndex, Application> applications_;
  http::RouteMatch match_;  // reused
  uv_timer_t* timer_;       // closed asynchronously, so it outlives this
  bool running_ = false;
};

}  // namespace duet
