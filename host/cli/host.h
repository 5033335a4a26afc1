// The serving process as one object: all the wiring between loop, engines, pipeline and sockets.
#pragma once

#include <uv.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/admin/admin_service.h"
#include "host/cli/debug_options.h"
#include "host/cli/engines.h"
#include "host/cli/experiment_store.h"
#include "host/cli/loading_watch.h"
#include "host/cli/shadow.h"
#include "host/cli/webhooks.h"
#include "host/config/config.h"
#include "host/experiment/clock_watch.h"
#include "host/loop/loop.h"
#include "host/measure/ledger.h"
#include "host/measure/metrics.h"
#include "host/measure/snapshot.h"
#include "host/net/inherited_sockets.h"
#include "host/net/listener.h"
#include "host/pipeline.h"
#include "host/pipeline_experiments.h"
#include "host/pipeline_shadow.h"
#include "host/request_recorder.h"
#include "host/server.h"
#include "host/trace/tracer.h"
#include "host/tunnel.h"
#include "host/watchdog.h"
#include "host/websocket_session.h"

namespace duet::cli {

class Host {
 public:
  Host(const config::Config& config, const DebugOptions& debug);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Serves until SIGINT or SIGTERM. Returns the exit code.
  int run();

 private:
  Result<void> set_up();
  Result<void> start_engine(config::Language language);
  Result<void> start_engines();
  Result<void> start_engines(bool js);
  Result<void> open_debugger(Runtime& runtime, config::Language language);
  void debugger_opened();
  void do_without(measure::HandlerIndex handler, const Error& why);
  void load_handlers();
  void handler_loaded(measure::HandlerIndex index, Runtime& runtime, Result<LoadedHandler> loaded);
  Result<void> bind_listeners();
  Result<void> open_admin();
  std::string not_ready() const;
  void announce();
  void watch_signals();
  void on_signal(int number);
  void loop_is_held();
  void stop_serving();
  void say_what_is_waited_for();
  void stop_engines();
  measure::Snapshot snapshot();
  void print_summary();
  void fail_start(const Error& error);

  const config::Config& config_;
  const DebugOptions debug_;
  std::unique_ptr<Loop> loop_;
  measure::Ledger ledger_;
  measure::Metrics metrics_{ledger_};
  RequestRecorder recorder_{metrics_};
  ExchangeTable exchanges_;
  std::optional<WebSockets> websockets_;
  Tunnels tunnels_;
  Engines engines_;
  std::optional<Pipeline> pipeline_;
  std::optional<PipelineExperiments> experiments_;
  ShadowAccounts shadow_accounts_;
  std::optional<PipelineShadow> shadow_;  // when an experiment has one
  std::optional<ExperimentStore> store_;
  experiment::ClockWatch clock_watch_;
  std::unique_ptr<Webhooks> webhooks_;
  std::optional<trace::Tracer> tracer_;
  std::optional<HttpServer> server_;
  std::optional<admin::AdminService> admin_;
  std::optional<HttpServer> admin_server_;
  std::optional<Watchdog> watchdog_;
  std::optional<LoadingWatch> loading_watch_;  // until all have loaded
  net::InheritedSockets inherited_;            // until the listeners have theirs
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unique_ptr<net::Listener> admin_listener_;
  std::vector<bool> started_;  // by language
  std::vector<bool> absent_;   // handlers that could not be loaded and that are done without
  uv_signal_t signals_[2];
  std::atomic<bool> debugging_{false};          // no slice is too long for the watchdog
  std::atomic<Runtime*> loading_now_{nullptr};  // the engine whose load() holds the loop
  std::atomic<bool> cancelled_{false};          // by a signal that the loop could not see
  std::size_t loading_ = 0;                     // handlers whose engines have not answered yet
  std::size_t stopping_engines_ = 0;
  int exit_code_ = 0;
  std::atomic<bool> serving_{false};
  bool stopping_ = false;
  bool makes_room_ = false;  // stops for its next start (serve_watched.h): nothing to sum up
};

}  // namespace duet::cli
