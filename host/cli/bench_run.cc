#include "host/cli/bench_run.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <sstream>
#include <thread>
#include <utility>

#include "host/base/escape.h"
#include "host/bench/process_memory.h"

namespace duet::cli {

namespace {

constexpr Nanos kTryPatience = 5 * kSecond;
constexpr Nanos kReadyPatience = 60 * kSecond, kTryEvery = 20 * kMillisecond;
constexpr Nanos kProgressEvery = 500 * kMillisecond;

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

  for (const bench::ArmPlan& arm : plan_.arms) {
    auto target = target_of(arm);
    if (!target) return std::move(target).error();
    if (auto tried = try_out(arm, *target); !tried) return std::move(tried).error();
    targets_.push_back(std::move(*target));
  }
  states_.assign(targets_.size(), {});
  if (auto opened = open_idle(); !opened) return std::move(opened).error();
  auto generator = bench::Generator::create(targets_, plan_.generator);
  if (!generator) return std::move(generator).error();
  if (auto connected = (*generator)->connect(); !connected) return std::move(connected).error();
  load(**generator, result.schedule);

  result.interrupted = interrupt_.count() > 0;
  result.rounds = measured_rounds(result.schedule, plan_.warmup, (*generator)->sent_until());
  if (result.rounds.count() == 0) {
    return Error{"the run was ended before anything was measured", {}, {}, {}};
  }
  for (const bench::Step& step : result.schedule.steps) {
    const bench::Rounds rounds{std::max(step.first, result.rounds.first),
                               std::min(step.end, result.rounds.end)};
    if (rounds.end != step.end || rounds.count() == 0) continue;
    result.steps.push_back({step.rate, {}});
    for (std::uint16_t arm = 0; arm < plan_.arms.size(); ++arm) {
      result.steps.back().arms.push_back(summarize(result.schedule, arm, rounds));
    }
  }
  for (std::uint16_t arm = 0; arm < plan_.arms.size(); ++arm) {
    states_[arm].resident = resident(arm);
    if (!idle_.empty()) states_[arm].idle_open = idle_[arm]->open_now();
    result.arms.push_back(summarize(result.schedule, arm, result.rounds));
    result.trouble.push_back((*generator)->trouble(arm));
    note_ended(plan_.arms[arm], result.trouble.back());
  }
  result.states = states_;
  return result;
}

std::optional<std::int64_t> BenchRun::resident(std::size_t arm) const {
  const bench::ServerProcess* server = servers_.of(plan_.arms[arm]);
  return server == nullptr ? std::nullopt : bench::resident_of_group(server->pid());
}

Result<void> BenchRun::open_idle() {
  for (std::size_t arm = 0; arm < targets_.size() && plan_.idle > 0; ++arm) {
    listener_.note("opening " + std::to_string(plan_.idle) + " idle connections to " +
                   printable(plan_.arms[arm].name));
    const auto before = resident(arm);
    idle_.push_back(std::make_unique<bench::IdleConnections>(targets_[arm]));
    if (auto opened = idle_.back()->open(plan_.idle, plan_.generator.patience,
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
  listener_.note(printable(arm.name) + " ended during the run (" + server->ending() +
                 "); the last that it wrote:");
  std::istringstream lines(server->output());
  for (std::string line; std::getline(lines, line);) listener_.note("  " + printable(line));
}

Result<bench::Target> BenchRun::target_of(const bench::ArmPlan& arm) {
  std::string text = arm.target;
  if (!arm.is_url()) {
    listener_.note("starting " + printable(arm.target));
    auto address = servers_.start(arm);
    if (!address) return std::move(address).error();
    text = *address;
  }
  auto url = bench::parse_url(text);
  if (!url) return std::move(url).error();
  auto address = resolve(*url);
  if (!address) return std::move(address).error();
  bench::Target target{*address, {}};
  std::vector<bench::RequestSpec> specs;
  if (plan_.recording) {
    specs = plan_.recording->requests;
    for (auto& spec : specs) {
      spec.fields.insert(spec.fields.end(), plan_.fields.begin(), plan_.fields.end());
    }
  } else {
    for (const std::string& body : plan_.bodies) {
      specs.push_back({plan_.method, plan_.path.value_or(url->path), plan_.fields, body});
    }
  }
  for (const bench::RequestSpec& spec : specs) {
    auto bytes = bench::request_text(spec, url->authority, plan_.generator.keep_alive);
    if (!bytes) return std::move(bytes).error();
    target.texts.push_back(std::move(*bytes));
  }
  return target;
}

// What is wrong from the start is said before the run, not after it.
Result<void> BenchRun::try_out(const bench::ArmPlan& arm, const bench::Target& target) {
  auto status = first_status(target);
  // A command's server may take connections before it is ready.
  bench::ServerProcess* server = arm.is_command() ? servers_.of(arm) : nullptr;
  const Nanos deadline = now() + kReadyPatience;
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
  std::atomic<bool> done{false};
  std::thread thread([&] {
    generator.run(schedule, closed);
    done.store(true, std::memory_order_release);
  });
  Nanos shown = now();
  bool warm = false;
  while (!done.load(std::memory_order_acquire)) {
    const int signals = interrupt_.wait(50 * kMillisecond);
    if (signals > 0) generator.stop();
    if (signals > 1) _exit(128 + interrupt_.signal());  // at once; the servers go with this thread
    if (!warm && generator.started() != bench::kNever &&
        now() >= generator.started() + plan_.warmup) {
      for (std::size_t arm = 0; arm < states_.size(); ++arm) {
        states_[arm].warm_resident = resident(arm);
      }
      warm = true;
    }
    if (now() - shown < kProgressEvery || generator.started() == bench::kNever) continue;
    shown = now();
    listener_.progress(generator, shown - generator.started(), length);
  }
  thread.join();
}

}  // namespace duet::cli
