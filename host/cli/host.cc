#include "host/cli/host.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "host/base/check.h"
#include "host/base/executable.h"
#include "host/base/log.h"
#include "host/base/thread_room.h"
#include "host/cli/experiments.h"
#include "host/cli/held_loop.h"
#include "host/cli/serve_watched.h"
#include "host/cli/terminal.h"
#include "host/measure/table.h"

namespace duet::cli {

namespace {

ServerOptions server_options(const config::ServerConfig& config) {
  ServerOptions options;
  options.request.head_bytes = config.limits.head_bytes;
  options.request.target_bytes = config.limits.target_bytes;
  options.body_bytes = config.limits.body_bytes;
  options.pipelined = config.limits.pipelined;
  options.head_timeout = config.timeouts.head;
  options.body_timeout = config.timeouts.body_idle;
  options.send_timeout = config.timeouts.send;
  options.keep_alive_timeout = config.timeouts.keep_alive;
  return options;
}

WebSocketOptions websocket_options(const config::WebSocketLimits& limits) {
  WebSocketOptions options;
  options.message_bytes = limits.message_bytes;
  options.buffered_bytes = limits.buffered_bytes;
  options.ping_interval = limits.ping;
  options.compression = limits.compression;
  return options;
}

HandlerSpec handler_spec(const config::Handler& handler, measure::HandlerIndex index) {
  HandlerSpec spec;
  spec.name = handler.name;
  spec.source = handler.source;
  spec.root = handler.root;
  spec.env = handler.env;
  spec.deadline = handler.deadline;
  spec.blocking = handler.blocking;
  spec.interface = handler.interface;
  spec.root_path = handler.root_path;
  spec.body_limit = handler.body_limit;
  spec.default_body_limit = handler.default_body_limit;
  spec.service = {handler.service.connect, handler.service.body_idle, handler.service.keep_alive,
                  handler.service.connections};
  spec.index = index;
  return spec;
}

trace::TracerOptions tracer_options(const config::Otlp& otlp) {
  trace::TracerOptions options;
  options.sample = otlp.sample;
  options.service = otlp.service;
  options.outbox = outbox_options(otlp.endpoint, "spans");
  options.outbox.fields = otlp.headers;
  options.outbox.fields.emplace_back("Content-Type", "application/x-protobuf");
  options.outbox.attempts = 5;  // what is newer matters more
  return options;
}

// Ten thousand connections need as many descriptors, and the usual soft limit is 1,024.
void raise_descriptor_limit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// The watchdog, that of a held loop and the writers; with JavaScript also V8's helpers (5) and
// libuv's pool (4).
unsigned threads_needed(const config::Config& config) {
  return config.uses(config::Language::kJavaScript) ? 14 : 5;
}

}  // namespace

Host::Host(const config::Config& config, const DebugOptions& debug)
    : config_(config),
      debug_(debug),
      engines_(project_directory(config)),
      started_(config::kLanguages, false),
      absent_(config.handlers.size(), false) {}

Host::~Host() = default;

int Host::run() {
  if (auto ready = set_up(); !ready) {
    fail_start(ready.error());
    return exit_code_;
  }
  loop_->run();
  if (store_) store_->close();
  webhooks_.reset();
  tracer_.reset();
  if (serving_ && !makes_room_) print_summary();
  return exit_code_;
}

// In this order: what observes the loop is told in order of registration, and the server has to
// send its answers before an engine gives its lock up for the wait.
Result<void> Host::set_up() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error, not the end
  inherited_ = net::InheritedSockets::of_environment();
  raise_descriptor_limit();
  if (auto room = room_for_threads(threads_needed(config_)); !room) return room;
  for (const auto& [name, value] : config_.environment) setenv(name.c_str(), value.c_str(), 0);

  auto loop = Loop::create();
  if (!loop) return std::move(loop).error();
  loop_ = std::move(*loop);
  pipeline_.emplace(*loop_, ledger_);
  websockets_.emplace(*loop_, websocket_options(config_.server.websocket));
  server_.emplace(*loop_, exchanges_, ledger_, *pipeline_, server_options(config_.server));

  admin::AdminService::Sources sources;
  sources.metrics = &metrics_;
  sources.snapshot = [this] { return snapshot(); };
  sources.not_ready = [this] { return not_ready(); };
  sources.experiments = [this] {
    auto shots = experiment_snapshots(*experiments_, metrics_);
    for (std::size_t i = 0; i < shots.size(); ++i) {
      shots[i].store = store_ ? store_->trouble() : "there is no store";
      if (shadow_) shots[i].shadow = shadow_->snapshot(static_cast<std::uint32_t>(i));
    }
    return shots;
  };
  sources.find_experiment = [this](std::string_view name) { return experiments_->find(name); };
  sources.recompare = [this](experiment::Live& live, const std::string& who) {
    return recompare(*experiments_, shadow_ ? &*shadow_ : nullptr, live, who);
  };
  sources.commanded = [this](experiment::Live& live, const experiment::Decision& decision) {
    log_decision(live, decision);
    experiments_->wake();
  };
  admin_.emplace(std::move(sources));
  admin_server_.emplace(*loop_, exchanges_, ledger_, *admin_, ServerOptions{});

  for (std::size_t i = 0; i < config_.handlers.size(); ++i) {
    const config::Handler& handler = config_.handlers[i];
    pipeline_->add_handler(handler_spec(handler, static_cast<measure::HandlerIndex>(i)),
                           std::string(config::language_name(handler.language)),
                           config_.server.dev);
    metrics_.add_handler(
        static_cast<measure::HandlerIndex>(i),
        {handler.name, std::string(config::language_name(handler.language)), "", handler.source});
  }
  shadow_accounts_ = add_shadow_accounts(config_, *pipeline_, metrics_);
  for (const config::Route& route : config_.routes) {
    if (auto added = pipeline_->add_route(route.methods, route.pattern, route.handler); !added) {
      return added;
    }
    metrics_.add_route(route.handler, route.pattern);
  }
  experiments_.emplace(*loop_);
  if (auto added = add_experiments(config_, *pipeline_, *experiments_); !added) {
    return added;
  }
  auto webhooks = Webhooks::create(config_);
  if (!webhooks) return std::move(webhooks).error();
  webhooks_ = std::move(webhooks).value();
  experiments_->on_decision = [this](experiment::Live& live, const experiment::Decision& decision) {
    log_decision(live, decision);
    webhooks_->tell(live, decision);
  };
  experiments_->on_looked = [this](Nanos at) {
    watch_clock(clock_watch_, *experiments_, at);
    return store_ && store_->looked(at);
  };
  if (config_.server.otlp) {
    tracer_.emplace(*loop_, metrics_, *experiments_, tracer_options(*config_.server.otlp));
    pipeline_->add_observer(*tracer_);  // the recorder asks it for the trace
    recorder_.take_traces(tracer_->last());
  }
  pipeline_->add_observer(recorder_);
  pipeline_->add_observer(*experiments_);
  if (!shadow_accounts_.empty()) {
    shadow_.emplace(*loop_, exchanges_, ledger_, *pipeline_);
    add_shadows(config_, shadow_accounts_, *experiments_, *shadow_);
    pipeline_->add_observer(*shadow_);
  }
  if (experiments_->size() > 0 && !config_.server.store.empty()) {
    store_.emplace(*experiments_, shadow_ ? &*shadow_ : nullptr, metrics_, config_.server.store);
    store_->open();
  }
  watch_signals();
  if (auto opened = open_admin(); !opened) return opened;
  if (auto bound = bind_listeners(); !bound) return bound;
  if (auto started = start_engines(); !started) return started;
  watchdog_.emplace(
      ledger_,
      [this](measure::HandlerIndex handler) {
        // A module may take its time to load; loading_watch_ says that it does.
        if (debugging_.load() || !serving_.load()) return Nanos{0};
        return pipeline_->spec(handler).deadline;
      },
      [this](measure::HandlerIndex handler, Nanos lasted) {
        log::warn("a handler holds the loop beyond its deadline: it is interrupted",
                  {{"handler", pipeline_->spec(handler).name},
                   {"held_ms", std::to_string(lasted / kMillisecond)}});
        if (Runtime* runtime = pipeline_->runtime(handler)) runtime->interrupt();
      });
  loop_->add_observer(&metrics_.loop_meter());
  load_handlers();
  return {};
}

// JavaScript is the last: its libraries are loaded while Python starts.
Result<void> Host::start_engines() {
  for (const bool js : {false, true}) {
    if (auto started = start_engines(js); !started) return started;
  }
  return {};
}

// An engine that only variants need can be done without.
Result<void> Host::start_engines(bool js) {
  for (std::size_t i = 0; i < config_.handlers.size(); ++i) {
    const config::Language language = config_.handlers[i].language;
    if (absent_[i] || (language == config::Language::kJavaScript) != js) continue;
    auto started = start_engine(language);
    if (started) continue;
    for (std::size_t other = 0; other < config_.handlers.size(); ++other) {
      if (config_.handlers[other].language != language) continue;
      if (is_required(config_, other)) return started;
      do_without(static_cast<measure::HandlerIndex>(other), started.error());
    }
  }
  return {};
}

// The variant's experiment gives its share to the control.
void Host::do_without(measure::HandlerIndex handler, const Error& why) {
  absent_[handler] = true;
  pipeline_->unavailable(handler, "The handler could not be loaded.");
  withdraw_variants(*experiments_, handler, why);
}

Result<void> Host::start_engine(config::Language language) {
  const auto index = static_cast<std::size_t>(language);
  if (started_[index]) return {};
  started_[index] = true;
  auto engine = engines_.open(language);
  if (!engine) return std::move(engine).error();
  if (language == config::Language::kPython && config_.uses(config::Language::kJavaScript)) {
    engines_.load_js_ahead();
  }
  Runtime* runtime = *engine;
  RuntimeContext context;
  context.loop = loop_.get();
  context.exchanges = &exchanges_;
  context.ledger = &ledger_;
  context.websockets = &*websockets_;
  context.tunnels = &tunnels_;
  context.dev = config_.server.dev;
  context.executable = executable_path();
  context.module_directory = module_directory();
  if (engines_.python()) context.python_executable = engines_.python()->executable;
  for (const auto& listener : listeners_) {
    if (listener->address().is_unix() || context.listen_port != 0) continue;
    context.listen_host = listener->address().host();
    context.listen_port = listener->address().port();
  }
  for (const config::Handler& handler : config_.handlers) {
    if (handler.language == language) {
      context.arguments.push_back(handler.source);
      break;
    }
  }
  context.on_listen = [this] {
    for (const auto& listener : listeners_) listener->queue_clients();
  };
  context.inner_route = [this](measure::HandlerIndex handler, unsigned method,
                               std::string_view route) {
    return metrics_.inner_route(handler, method, route);
  };
  context.on_degraded = [this, runtime](const Error& why) {
    log::error(why.message, {{"engine", runtime->name()}, {"hint", why.hint}});
    pipeline_->degrade(*runtime, "The engine of this handler had to be stopped: " + why.message);
  };
  context.on_debugger = [this] { debugger_opened(); };
  if (auto started = runtime->start(context); !started) return started;
  return open_debugger(*runtime, language);
}

Result<void> Host::open_debugger(Runtime& runtime, config::Language language) {
  const auto& wanted = debug_[static_cast<std::size_t>(language)];
  if (!wanted) return {};
  if (!is_loopback(wanted->host)) {
    log::warn("whoever reaches the debugger's address can run any code in this process",
              {{"host", wanted->host}, {"hint", "listen on 127.0.0.1, and tunnel to it"}});
  }
  return runtime.inspect(*wanted);
}

// Any thread.
void Host::debugger_opened() {
  if (debugging_.exchange(true)) return;
  log::info("deadlines are off: a debugger may hold handlers at any line");
  loop_->post([this] { pipeline_->suspend_deadlines(); });
}

void Host::load_handlers() {
  for (const bool absent : absent_) loading_ += !absent;
  // An import of much (torch, tensorflow) takes some seconds.
  loading_watch_.emplace(10 * kSecond, [](const std::string& names, Nanos lasted) {
    log::warn("still loading after " + std::to_string(lasted / kSecond) +
                  " s; no request is answered before that has ended",
              {{"handler", names},
               {"hint", "does its module wait at the top level: for a service, a lock, input?"}});
  });
  for (std::size_t i = 0; i < config_.handlers.size() && !stopping_ && !cancelled_; ++i) {
    if (absent_[i]) continue;
    const auto index = static_cast<measure::HandlerIndex>(i);
    auto engine = engines_.open(config_.handlers[i].language);
    DUET_CHECK(engine.ok());
    Runtime* runtime = *engine;
    loading_watch_->began(config_.handlers[i].name);
    loading_now_ = runtime;
    runtime->load(pipeline_->spec(index), [this, index, runtime](Result<LoadedHandler> loaded) {
      handler_loaded(index, *runtime, std::move(loaded));
    });
    loading_now_ = nullptr;
  }
}

void Host::handler_loaded(measure::HandlerIndex index, Runtime& runtime,
                          Result<LoadedHandler> loaded) {
  if (loading_watch_) loading_watch_->ended(config_.handlers[index].name);
  if (stopping_ || cancelled_) {
    if (cancelled_ && !loaded) {
      log::info("a handler was interrupted", {{"handler", config_.handlers[index].name},
                                              {"at", loaded.error().where},
                                              {"stack", loaded.error().detail}});
    }
    return;
  }
  if (loaded) {
    pipeline_->ready(index, runtime, *loaded);
    metrics_.set_shape(index, loaded->shape);
    if (const auto account = shadow_accounts_.find(index); account != shadow_accounts_.end()) {
      pipeline_->ready(account->second, runtime, *loaded);
      metrics_.set_shape(account->second, loaded->shape);
    }
  } else {
    Error error = std::move(loaded).error();
    error.message = "handler '" + pipeline_->spec(index).name + "': " + error.message;
    if (is_required(config_, index)) return fail_start(error);
    do_without(index, error);
  }
  if (--loading_ > 0) return;
  loading_watch_.reset();
  for (const auto& listener : listeners_) {
    if (auto started = listener->start(); !started) return fail_start(started.error());
  }
  announce();
}

// Before the engines start: a port that is taken is told at once, and applications know theirs.
Result<void> Host::bind_listeners() {
  for (const config::Address& address : config_.server.listen) {
    auto parsed = net::Address::parse(address.to_string());
    if (!parsed) return std::move(parsed).error();
    net::ListenOptions options;
    options.kernel_timestamps = config_.server.kernel_timestamps;
    options.inherited = inherited_.take(*parsed);
    auto listener =
        net::Listener::bind(*loop_, *parsed, options, [this](int fd) { server_->adopt(fd); });
    if (!listener) return std::move(listener).error();
    listeners_.push_back(std::move(*listener));
  }
  for (const std::string& address : inherited_.left()) {
    log::warn("a socket was passed to this host on which it does not listen",
              {{"address", address}, {"hint", "name it: --listen " + address}});
  }
  inherited_ = {};
  return {};
}

// Open before the engines start: /readyz tells how far they are.
Result<void> Host::open_admin() {
  if (config_.server.admin.empty()) return {};
  auto address = net::Address::parse(config_.server.admin.front().to_string());
  if (!address) return std::move(address).error();
  net::ListenOptions options;
  options.kernel_timestamps = false;
  // Any port of this host is meant for the clients, unless it is known that these are all.
  if (address->port() != 0 || is_watched()) options.inherited = inherited_.take(*address);
  const auto accepted = [this](int fd) { admin_server_->adopt(fd); };
  auto listener = net::Listener::open(*loop_, *address, options, accepted);
  options.inherited = -1;
  if (!listener && config_.server.admin_is_default) {
    // A second host on this machine: nobody chose the default port, so any other will do.
    listener = net::Listener::open(*loop_, *net::Address::parse("127.0.0.1:0"), options, accepted);
  }
  if (!listener) return std::move(listener).error();
  admin_listener_ = std::move(*listener);
  return {};
}

std::string Host::not_ready() const {
  if (stopping_) return "the host is stopping";
  if (loading_ > 0) {
    return std::to_string(loading_) + " of " + std::to_string(config_.handlers.size()) +
           " handlers are still loading";
  }
  return serving_ ? "" : "the host is starting";
}

// The lines that scripts wait for; on standard output, apart from the log.
void Host::announce() {
  serving_ = true;
  ledger_.end_start(now());
  for (const auto& listener : listeners_) {
    std::printf("listening on %s\n", listener->address().url("http").c_str());
  }
  if (admin_listener_ != nullptr) {
    std::printf("admin on %s\n", admin_listener_->address().url("http").c_str());
  }
  std::fflush(stdout);
}

void Host::watch_signals() {
  static constexpr int kNumbers[] = {SIGINT, SIGTERM};
  for (int i = 0; i < 2; ++i) {
    DUET_CHECK(uv_signal_init(loop_->uv(), &signals_[i]) == 0);
    signals_[i].data = this;
    uv_signal_start(
        &signals_[i],
        [](uv_signal_t* signal, int number) {
          static_cast<Host*>(signal->data)->on_signal(number);
        },
        kNumbers[i]);
  }
  stop_even_a_held_loop(kNumbers, [this] { loop_is_held(); });
}

// On the thread of held_loop.h. A module that loads owes nobody an answer, so it is interrupted as
// Ctrl-C does it in the languages' own programs; a request that is being answered is waited for.
void Host::loop_is_held() {
  const measure::HandlerIndex holder = ledger_.holder().handler;
  std::string name = holder == measure::kNoHandler ? "" : pipeline_->spec(holder).name;
  if (Runtime* loading = loading_now_) {
    cancelled_ = true;
    log::info(
        "stopping: a handler that is still loading is interrupted; a second signal ends at once",
        {{"handler", std::move(name)}});
    loading->interrupt();
  } else {
    log::info("stopping when the loop is let go of; a second signal ends at once",
              {{"handler", std::move(name)}});
  }
}

void Host::on_signal(int number) {
  signal_seen();
  if (stopping_) {  // asked twice: the person means it
    if (!makes_room_) log::warn("stopped at once by a second signal");
    _exit(128 + number);
  }
  makes_room_ = is_watched() && number == SIGTERM;
  if (!makes_room_) log::info("stopping", {{"signal", number == SIGINT ? "SIGINT" : "SIGTERM"}});
  stop_serving();
}

void Host::fail_start(const Error& error) {
  log::error(error.message, {{"at", error.where}, {"hint", error.hint}, {"stack", error.detail}});
  exit_code_ = 1;
  if (loop_ != nullptr && !stopping_) stop_serving();
}

// Drain: no new connections, idle ones close, the others finish what they owe.
void Host::stop_serving() {
  stopping_ = true;
  loading_watch_.reset();
  if (store_) store_->stopping();
  if (shadow_) shadow_->stop();
  for (const auto& listener : listeners_) listener->accept_waiting();
  listeners_.clear();
  server_->on_empty = [this] { stop_engines(); };
  loop_->after(kSecond, [this] { say_what_is_waited_for(); });
  server_->drain();
  if (server_->connections() == 0) return stop_engines();
  loop_->after(config_.server.timeouts.shutdown, [this] { server_->abort_all(); });
}

// Stopping is mostly a matter of milliseconds; when it is not, it is nobody's riddle.
void Host::say_what_is_waited_for() {
  std::string handlers;
  for (const measure::HandlerSnapshot& handler : snapshot().handlers) {
    if (handler.in_flight <= 0) continue;
    handlers += (handlers.empty() ? "" : ", ") + handler.labels.name + " (" +
                std::to_string(handler.in_flight) + ")";
  }
  const Nanos grace = config_.server.timeouts.shutdown;
  log::info("still waiting for what is in flight; a second signal ends at once",
            {{"requests", handlers},
             {"connections", std::to_string(server_->connections())},
             {"at_most", grace > kSecond ? measure::format_duration(grace - kSecond) : ""}});
}

void Host::stop_engines() {
  if (stopping_engines_ > 0) return;
  server_->on_empty = nullptr;
  const Nanos deadline = now() + config_.server.timeouts.shutdown;
  std::vector<Runtime*> running;
  for (Runtime* runtime : engines_.opened()) running.push_back(runtime);
  stopping_engines_ = running.size() + 1;
  const auto stopped = [this] {
    if (--stopping_engines_ == 0) loop_->stop();
  };
  for (Runtime* runtime : running) runtime->stop(deadline, stopped);
  stopped();
}

measure::Snapshot Host::snapshot() {
  std::vector<measure::EngineSnapshot> engines;
  for (const Runtime* runtime : engines_.opened()) {
    const RuntimeUsage usage = runtime->usage();
    engines.push_back({std::string(runtime->name()), usage.heap_used, usage.heap_total,
                       usage.heap_limit, usage.gc_count, usage.gc_time, usage.background_cpu});
  }
  measure::Snapshot shot = measure::take_snapshot(metrics_, std::move(engines));
  for (std::size_t i = 0; experiments_ && i < experiments_->size(); ++i) {
    experiment::Live& live = experiments_->live(i);
    measure::ExperimentFigures& figures = shot.experiments.emplace_back(live.figures());
    const std::vector<Nanos> cpu = cpu_of_variants(live, metrics_);
    for (std::size_t v = 0; v < cpu.size(); ++v) figures.variants[v].cpu = cpu[v];
    if (!shadow_) continue;
    const auto shadow = shadow_->snapshot(static_cast<std::uint32_t>(i));
    if (shadow) figures.shadow = shadow_figures(*shadow, live.spec());
  }
  if (tracer_) {
    const outbox::Outbox::Figures spans = tracer_->figures();
    shot.spans = {spans.delivered, spans.lost};
  }
  return shot;
}

void Host::print_summary() {
  measure::TableStyle style;
  style.color = wants_color(STDOUT_FILENO);
  if (const std::size_t columns = terminal_columns(STDOUT_FILENO); columns > 0) {
    style.columns = columns;
  }
  const std::string text = fitted(measure::summary_table(snapshot(), style), STDOUT_FILENO);
  std::fputs(text.c_str(), stdout);
}

}  // namespace duet::cli
