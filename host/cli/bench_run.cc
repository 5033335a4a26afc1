#include "host/cli/bench_run.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <sstream>
#include <thread>
#include <utility>

#include "host/base/escape.h"

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

  std::vector<bench::Target> targets;
  for (const bench::ArmPlan& arm : plan_.arms) {
    auto target = target_of(arm);
    if (!target) return std::move(target).error();
    if (auto tried = try_out(arm, *target); !tried) return std::move(tried).error();
    targets.push_back(std::move(*target));
  }
  auto generator = bench::Generator::create(std::move(targets), plan_.generator);
  if (!generator) return std::move(generator).error();
  if (auto connected = (*generator)->connect(); !connected) return std::move(connected).error();
  load(**generator, result.schedule);

  result.interrupted = interrupt_.count() > 0;
  result.rounds = measured_rounds(result.schedule, plan_.warmup, (*generator)->sent_until());
  if (result.rounds.count() == 0) {
    return Error{"the run was ended before anything was measured", {}, {}, {}};
  }
  for (std::uint16_t arm = 0; arm < plan_.arms.size(); ++arm) {
    result.arms.push_back(summarize(result.schedule, arm, result.rounds));
    result.trouble.push_back((*generator)->trouble(arm));
    note_ended(plan_.arms[arm], result.trouble.back());
  }
  return result;
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
  for (const std::string& body : plan_.bodies) {
    auto bytes = bench::request_text({.method = plan_.method,
                                      .path = plan_.path.value_or(url->path),
                                      .fields = plan_.fields,
                                      .body = body},
                                     url->authority, plan_.generator.keep_alive);
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
  while (!done.load(std::memory_order_acquire)) {
    const int signals = interrupt_.wait(50 * kMillisecond);
    if (signals > 0) generator.stop();
    if (signals > 1) _exit(128 + interrupt_.signal());  // at once; the servers go with this thread
    if (now() - shown < kProgressEvery || generator.started() == bench::kNever) continue;
    shown = now();
    listener_.progress(generator, shown - generator.started(), length);
  }
  thread.join();
}

}  // namespace duet::cli
