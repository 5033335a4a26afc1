// The admin listener's answers: figures of the handlers, and whether the host is alive and ready.
//
//   GET /              a page that shows the handlers' figures as they change
//   GET /api/handlers  the same as JSON
//   GET /api/experiments        the experiments, with their evidence and audit, as JSON
//   GET /api/experiments/NAME   one of them
//   POST /api/experiments/NAME/ACTION  start, stop, ramp, promote, pin: see experiment_commands.h;
//                      recompare: what shadow traffic has shown begins anew.
//                      `Duet-By: WHO` is required: it goes into the audit, and no page of another
//                      site can send it
//   GET /metrics       for Prometheus: its text format, or OpenMetrics when Accept prefers it
//   GET /healthz       200 while the process answers at all
//   GET /readyz        200 when every handler is loaded and the host does not drain, else 503
//
// It knows no sockets: it is a Service like the pipeline, and whoever listens gives it exchanges.
// A body that a client sends is ignored.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/experiment/live.h"
#include "host/http/message.h"
#include "host/measure/metrics.h"
#include "host/measure/snapshot.h"
#include "host/service.h"

namespace duet::admin {

class AdminService final : public Service, ExchangeListener {
 public:
  // What it shows; all called on the loop's thread while it answers.
  struct Sources {
    const measure::Metrics* metrics = nullptr;    // outlives the service
    std::function<measure::Snapshot()> snapshot;  // takes one
    // Empty when the host takes requests, else why not, for the person who asks ("2 of 3 handlers
    // are still loading").
    std::function<std::string()> not_ready;
    // None when there are no experiments.
    std::function<std::vector<experiment::LiveSnapshot>()> experiments;
    std::function<experiment::Live*(std::string_view name)> find_experiment;  // null: no such one
    // What its shadow traffic has shown begins anew: an operator's word. Empty: it has none.
    std::function<Result<experiment::Decision>(experiment::Live&, const std::string& who)>
        recompare;
    // An operator's word has been carried out.
    std::function<void(experiment::Live&, const experiment::Decision&)> commanded;
  };

  explicit AdminService(Sources sources) : sources_(std::move(sources)) {}
  AdminService(const AdminService&) = delete;
  AdminService& operator=(const AdminService&) = delete;

  void serve(Exchange& exchange) override;
  bool run_ready() override { return false; }
  void over(Exchange&) override {}

 private:
  struct Page;
  using Answer = void (AdminService::*)(Exchange& exchange);

  // ExchangeListener: every answer is complete when serve() returns, so there is nothing to hear.
  void on_body(Exchange&) noexcept override {}
  void on_writable(Exchange&) noexcept override {}
  void on_abort(Exchange&, AbortReason) noexcept override {}
  void on_end(Exchange&) noexcept override {}

  void page(Exchange& exchange);
  void handlers(Exchange& exchange);
  void metrics(Exchange& exchange);
  void health(Exchange& exchange);
  void ready(Exchange& exchange);
  void experiments(Exchange& exchange);
  // Below /api/experiments/: "NAME", or "NAME/ACTION".
  void experiment(Exchange& exchange, std::string_view rest);
  void no_such_experiment(Exchange& exchange, std::string_view name);
  void command(Exchange& exchange, std::string_view name, std::string_view action);

  Sources sources_;
};

}  // namespace duet::admin
