#include "host/cli/bench_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <sstream>
#include <thread>
#include <utility>

#include "host/base/escape.h"
#include "host/base/thread_room.h"
#include "host/bench/cpu_rounds.h"
#include "host/bench/process_cpu.h"
#include "host/bench/process_memory.h"
#include "host/bench/random.h"
#include "host/cli/admin_client.h"
#include "host/cli/bench_environment.h"
#include "host/cli/bench_target.h"
#include "host/cli/tls_module.h"

namespace duet::cli {

namespace {

constexpr Nanos kTryPatience = 5 * kSecond;
constexpr Nanos kReadyPatience = 60 * kSecond, kTryEvery = 20 * kMillisecond;
// Of a server that speaks TLS: a handshake that fails seldom means that it is not ready yet.
constexpr Nanos kSecuredPatience = 3 * kSecond;
// What a certificate of a server on this machine is for, as tools that make them have it.
constexpr const char* kLocalName = "localhost";
constexpr Nanos kProgressEvery = 500 * kMillisecond;
// So long before the warm-up is over the accounts are read: what that costs a host is not measured.
constexpr Nanos kReadAhead = 200 * kMillisecond;

constexpr double kMostSearched = 1e6;  // requests a second
constexpr Nanos kLagShare = 10;  // a trial whose lag is more than a tenth of the limit is in doubt

bool on_this_machine(const net::Address& address) {
  const std::string host = address.host();
  return host.starts_with("127.") || host == "::1";
}

std::string why_lost(bench::Outcome outcome) {
  switch (outcome) {
    case bench::Outcome::kClosed:
      return "it closes the connection without an answer";
    case bench::Outcome::kNotHttp:
      return "what it answers is no HTTP/1.1";
    case bench::Outcome::kRefused:
      return "it takes no connection";
    default:
      return "it does not answer in time";
  }
}

}  // namespace

Result<BenchResult> BenchRun::run(bench::Schedule schedule) {
  BenchResult result;
  result.schedule = std::move(schedule);
  result.fingerprint = bench_fingerprint(plan_);

  if (auto pinned = pin(plan_); !pinned) return std::move(pinned).error();
  if (auto started = start_all(); !started) return std::move(started).error();
  states_.assign(targets_.size(), {});
  if (auto opened = open_idle(); !opened) return std::move(opened).error();
  bench::Generator::Options options = plan_.generator;
  options.warmup = plan_.warmup;
  auto generator = bench::Generator::create(targets_, options);
  if (!generator) return std::move(generator).error();
  if (auto connected = (*generator)->connect(); !connected) return std::move(connected).error();
  const bench::Disturbance disturbed = bench::disturbance();
  const auto before = processes();
  {
    bench::CpuRounds cpu(
        before, result.schedule, [&] { return (*generator)->started(); },
        plan_.schedule.arrivals == bench::Arrivals::kClosed);
    load(**generator, result.schedule);
    result.cpu = cpu.finish();
  }
  const auto after = processes();
  for (std::size_t arm = 0; arm < result.cpu.size(); ++arm) {  // workers came or went: unknown
    if (before[arm] != after[arm]) result.cpu[arm].clear();
  }

  result.disturbance = bench::disturbance() - disturbed;
  result.started = wall_now() - (now() - (*generator)->started());
  result.interrupted = interrupt_.count() > 0;
  result.full = (*generator)->interrupted() && !result.interrupted;
  result.rounds = measured_rounds(result.schedule, plan_.warmup, (*generator)->sent_until());
  if (result.rounds.count() == 0) {
    return Error{"the run was ended before anything was measured", {}, {}, {}};
  }
  if (plan_.rounds_are_alike()) analyse(result);
  const auto arms = static_cast<std::uint16_t>(plan_.arms.size());
  for (const bench::Step& step : result.schedule.steps) {
    const bench::Rounds rounds{std::max(step.first, result.rounds.first),
                               std::min(step.end, result.rounds.end)};
    if (rounds.end != step.end || rounds.count() == 0) continue;
    result.steps.push_back({step.rate, {}});
    for (std::uint16_t arm = 0; arm < arms; ++arm) {
      result.steps.back().arms.push_back(summarize(result.schedule, arm, rounds));
    }
  }
  read_end(result.schedule);
  for (std::uint16_t arm = 0; arm < arms; ++arm) {
    if (idle_[arm] != nullptr) states_[arm].idle_open = idle_[arm]->open_now();
    result.arms.push_back(summarize(result.schedule, arm, result.rounds));
    result.trouble.push_back((*generator)->trouble(arm));
    note_ended(plan_.arms[arm], result.trouble.back());
    result.gone.push_back(result.interrupted ? "" : why_gone(arm, result.arms.back()));
  }
  result.states = states_;
  return result;
}

Result<void> BenchRun::start_all() {
  for (const bench::ArmPlan& arm : plan_.arms) {
    if (arm.is_url()) continue;
    const bool named = !arm.target.ends_with(arm.name);  // a file's name is its own
    listener_.note("starting " + (named ? printable(arm.name) + ": " : "") + printable(arm.target));
    if (auto launched = servers_.launch(arm); !launched) return launched;
  }
  for (const bench::ArmPlan& arm : plan_.arms) {
    auto target = target_of(arm);
    if (!target) return std::move(target).error();
    if (auto tried = try_out(arm, *target); !tried) return std::move(tried).error();
    targets_.push_back(std::move(*target));
  }
  return room_for_threads(2);  // the generator, and who reads the servers' CPU time
}

Result<CapacityResult> BenchRun::search() {
  if (auto pinned = pin(plan_); !pinned) return std::move(pinned).error();
  if (auto started = start_all(); !started) return std::move(started).error();
  const bench::Objective& objective = *plan_.objective;
  bench::Random random(plan_.schedule.seed);
  const auto arms = static_cast<std::uint16_t>(plan_.arms.size());
  for (std::uint16_t arm = 0; arm < arms && plan_.warmup > 0; ++arm) {
    auto tried = try_rate(arm, plan_.schedule.rate, random.next(), plan_.warmup);
    if (!tried) return std::move(tried).error();
  }
  CapacityResult result;
  for (std::uint16_t arm = 0; arm < arms; ++arm) {
    result.arms.emplace_back(objective, plan_.schedule.rate, kMostSearched);
  }
  std::vector<std::uint16_t> order(arms);
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  const auto unsettled = [&](std::uint16_t arm) { return !result.arms[arm].done(); };
  while (std::any_of(order.begin(), order.end(), unsettled) && interrupt_.count() == 0) {
    for (std::size_t i = arms; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (const std::uint16_t arm : order) {
      bench::CapacitySearch& search = result.arms[arm];
      if (search.done() || interrupt_.count() > 0) continue;
      const double rate = search.next_rate();
      result.trial = trial_length(objective, rate);
      auto trial = try_rate(arm, rate, random.next(), result.trial);
      if (!trial) return std::move(trial).error();
      if (interrupt_.count() > 0) break;  // that one was cut short
      search.add(*trial);
      listener_.searched(result.arms, arm, rate, *trial);
    }
  }
  result.interrupted = interrupt_.count() > 0;
  return result;
}

// One trial, on connections of its own: nothing is left over from the one before.
Result<bench::Trial> BenchRun::try_rate(std::uint16_t arm, double rate, std::uint64_t seed,
                                        Nanos length) {
  bench::ScheduleOptions options = plan_.schedule;
  options.rate = rate;
  options.duration = length;
  options.block = length / ((length + kSecond - 1) / kSecond);
  options.gap = 0;
  options.arms = 1;
  options.texts = {static_cast<std::uint32_t>(targets_[arm].texts.size())};
  options.warmup = 0;
  options.seed = seed;
  auto schedule = make_schedule(options);
  if (!schedule) return std::move(schedule).error();
  auto generator = bench::Generator::create({targets_[arm]}, plan_.generator);
  if (!generator) return std::move(generator).error();
  if (auto connected = (*generator)->connect(); !connected) {
    Error error = std::move(connected).error();
    error.where = printable(plan_.arms[arm].name);
    bench::ServerProcess* server = servers_.of(plan_.arms[arm]);
    if (server != nullptr && !server->running()) {
      error = {"its server ended (" + server->ending() + ")", error.where, {}, server->output()};
    }
    return error;
  }
  load(**generator, *schedule);
  const bench::Summary summary = summarize(*schedule, 0);
  const bench::Objective& objective = *plan_.objective;
  bench::Trial trial;
  trial.requests = summary.requests;
  for (const bench::Sample& sample : schedule->samples) {
    const bool well =
        sample.outcome == bench::Outcome::kAnswered && sample.latency() < objective.limit;
    trial.slow += well || sample.outcome == bench::Outcome::kPlanned ? 0 : 1;
  }
  trial.lagged = bench::quantile_of(summary.lag, objective.p) > objective.limit / kLagShare;
  return trial;
}

void BenchRun::analyse(BenchResult& result) const {
  const auto arms = static_cast<std::uint16_t>(plan_.arms.size());
  result.warm_up = bench::warm_up(result.schedule, arms, result.rounds);
  if (result.warm_up.state == bench::WarmUp::State::kSteady) {
    result.rounds.first = result.warm_up.from;
  }
  std::vector<bench::ArmRounds> rounds;
  for (std::uint16_t arm = 0; arm < arms; ++arm) {
    rounds.push_back(bench::arm_rounds(result.schedule, arm, result.rounds, result.cpu[arm]));
  }
  result.comparison =
      bench::compare(rounds, {.closed = plan_.schedule.arrivals == bench::Arrivals::kClosed,
                              .pairs = plan_.pairs,
                              .seed = plan_.schedule.seed});
}

// Of a server that was started here its group, otherwise who listens on its port on this machine.
std::vector<std::vector<pid_t>> BenchRun::processes() const {
  std::vector<std::vector<pid_t>> all;
  for (std::size_t arm = 0; arm < targets_.size(); ++arm) {
    const bench::ServerProcess* server = servers_.of(plan_.arms[arm]);
    const bool here = on_this_machine(targets_[arm].address);
    all.push_back(server != nullptr ? bench::processes_of_group(server->pid())
                  : here            ? bench::processes_listening(targets_[arm].address.port())
                                    : std::vector<pid_t>());
  }
  return all;
}

std::optional<std::int64_t> BenchRun::resident(std::size_t arm) const {
  const bench::ServerProcess* server = servers_.of(plan_.arms[arm]);
  return server == nullptr ? std::nullopt : bench::resident_of_group(server->pid());
}

// Nothing: it is no host of ours, or it does not answer now.
std::optional<HostCpu> BenchRun::host_cpu(std::size_t arm) const {
  const std::string admin = servers_.admin_of(plan_.arms[arm]);
  if (admin.empty()) return std::nullopt;
  const auto answer = ask_admin(admin, "GET", "/api/handlers");
  if (!answer || answer->status != 200) return std::nullopt;
  const auto cpu = host_cpu_of(answer->body);
  return cpu ? std::optional(*cpu) : std::nullopt;
}

// How things stand at the end of the warm-up.
void BenchRun::read_warm(Nanos since_start) {
  warm_since_ = since_start;
  for (std::size_t arm = 0; arm < targets_.size(); ++arm) {
    states_[arm].warm_resident = resident(arm);
    warm_cpu_.push_back(host_cpu(arm));
  }
}

// What has been used since then.
void BenchRun::read_end(const bench::Schedule& schedule) {
  for (std::size_t arm = 0; arm < targets_.size(); ++arm) {
    states_[arm].resident = resident(arm);
    const std::uint64_t requests =
        requests_since(schedule.samples, static_cast<std::uint16_t>(arm), warm_since_);
    if (warm_cpu_.empty() || !warm_cpu_[arm] || requests == 0) continue;
    if (const auto cpu = host_cpu(arm)) states_[arm].cpu = CpuUse{*cpu - *warm_cpu_[arm], requests};
  }
}

Result<void> BenchRun::open_idle() {
  idle_.resize(targets_.size());
  for (std::size_t arm = 0; arm < targets_.size(); ++arm) {
    const std::uint32_t idle = plan_.arms[arm].idle;
    if (idle == 0) continue;
    listener_.note("opening " + std::to_string(idle) + " idle connections to " +
                   printable(plan_.arms[arm].name));
    const auto before = resident(arm);
    idle_[arm] = std::make_unique<bench::IdleConnections>(targets_[arm]);
    if (auto opened = idle_[arm]->open(idle, plan_.generator.patience,
                                       [this] { return interrupt_.count() > 0; });
        !opened) {
      Error error = std::move(opened).error();
      error.where = printable(plan_.arms[arm].name);
      return error;
    }
    if (const auto after = resident(arm); before && after) {
      states_[arm].idle_growth = *after - *before;
    }
  }
  return {};
}

// A server that was started for the run and is gone before its end.
void BenchRun::note_ended(const bench::ArmPlan& arm, std::string& trouble) {
  bench::ServerProcess* server = servers_.of(arm);
  if (server == nullptr || server->running()) return;
  trouble = "its server ended: " + server->ending();
  const std::string output = server->output();
  listener_.note(printable(arm.name) + " ended during the run (" + server->ending() + ")" +
                 (output.empty() ? "" : "; the last that it wrote:"));
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) listener_.note("  " + printable(line));
}

// An arm whose requests end in nothing because it is not there any more; empty: it still is.
std::string BenchRun::why_gone(std::size_t arm, const bench::Summary& summary) const {
  bench::ServerProcess* server = servers_.of(plan_.arms[arm]);
  if (server != nullptr && !server->running()) {
    return "its server ended during the run (" + server->ending() + ")";
  }
  if (summary.lost == 0) return "";
  bench::Generator::Options options = plan_.generator;
  options.connections = 1;
  options.patience = std::min(options.patience, kTryPatience);
  auto generator = bench::Generator::create({targets_[arm]}, options);
  if (!generator) return "";
  const auto connected = (*generator)->connect();
  return connected ? "" : "at the end of the run there is " + connected.error().message;
}

Result<bench::Target> BenchRun::target_of(const bench::ArmPlan& arm) {
  std::string text = arm.target;
  if (!arm.is_url()) {
    auto address = servers_.address(arm);
    if (!address) return std::move(address).error();
    text = *address;
  }
  auto target = bench_target(plan_, text);
  if (target && arm.tls) target->host = kLocalName;
  return target;
}

// What is wrong from the start is said before the run, not after it.
Result<void> BenchRun::try_out(const bench::ArmPlan& arm, const bench::Target& target) {
  auto status = first_status(target);
  // A command's server may take connections before it is ready.
  bench::ServerProcess* server = arm.is_command() ? servers_.of(arm) : nullptr;
  const Nanos deadline = now() + (arm.tls ? kSecuredPatience : kReadyPatience);
  if (!status && server != nullptr && !arm.tls && first_status_by_tls(target)) {
    return Error{"it speaks TLS", printable(arm.name), "--tls asks it by https://", {}};
  }
  while (!status && server != nullptr && server->running() && now() < deadline &&
         interrupt_.wait(kTryEvery) == 0) {
    status = first_status(target);
  }
  if (!status) {
    Error error = std::move(status).error();
    error.where = printable(arm.name);
    if (server != nullptr) error.detail = server->output();
    return error;
  }
  if (*status >= 400) {
    listener_.note(printable(arm.name) + " answers " + std::to_string(*status) +
                   " to the first request");
  }
  return {};
}

// Also when its certificate is not trusted.
bool BenchRun::first_status_by_tls(bench::Target target) {
  auto client = open_tls({.verify = false, .authorities = {}});
  if (!client) return false;
  target.tls = std::move(*client);
  target.host = kLocalName;
  return static_cast<bool>(first_status(target));
}

// Of one request, alone.
Result<int> BenchRun::first_status(const bench::Target& target) {
  bench::Generator::Options options = plan_.generator;
  options.connections = 1;
  options.patience = std::min(options.patience, kTryPatience);
  auto generator = bench::Generator::create({target}, options);
  if (!generator) return std::move(generator).error();
  if (auto connected = (*generator)->connect(); !connected) return std::move(connected).error();
  bench::Schedule one;
  one.rounds = 1;
  one.length = kMillisecond;
  one.blocks.push_back({0, 0, 0, kMillisecond});
  one.samples.emplace_back();
  (*generator)->run(one, false);
  const bench::Sample& answer = one.samples[0];
  if (is_answer(answer.outcome)) return static_cast<int>(answer.status);
  const std::string& trouble = (*generator)->trouble(0);
  return Error{"the first request fails: " + (trouble.empty() ? why_lost(answer.outcome) : trouble),
               {},
               {},
               {}};
}

void BenchRun::load(bench::Generator& generator, bench::Schedule& schedule) {
  const bool closed = plan_.schedule.arrivals == bench::Arrivals::kClosed;
  const Nanos length = schedule.length;
  const bool accounts = !plan_.objective;  // a search has a trial after the other instead
  if (accounts && plan_.warmup < 2 * kReadAhead) read_warm(0);
  std::atomic<bool> done{false};
  std::thread thread([&] {
    generator.run(schedule, closed);
    done.store(true, std::memory_order_release);
  });
  Nanos shown = 0;  // the first picture comes at once
  bool stopping = false;
  while (!done.load(std::memory_order_acquire)) {
    const int signals = interrupt_.wait(50 * kMillisecond);
    if (signals > 0 && !std::exchange(stopping, true)) {
      generator.stop();
      listener_.note("ending: waiting for what is in flight, at most a second");
    }
    if (signals > 1) {  // at once; the servers go with this thread
      listener_.note("ended at once");
      _exit(128 + interrupt_.signal());
    }
    if (accounts && warm_cpu_.empty() && generator.started() != bench::kNever &&
        now() >= generator.started() + plan_.warmup - kReadAhead) {
      read_warm(now() - generator.started());
    }
    if (plan_.objective || stopping || now() - shown < kProgressEvery ||
        generator.started() == bench::kNever)
      continue;
    shown = now();
    listener_.progress(generator, shown - generator.started(), length);
  }
  thread.join();
}

}  // namespace duet::cli
