#include "host/cli/lab_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "host/base/escape.h"
#include "host/base/executable.h"
#include "host/cli/bench_plan.h"
#include "host/cli/bench_servers.h"
#include "host/cli/command.h"
#include "host/cli/lab_evaluate.h"
#include "host/cli/lab_quota.h"

namespace duet::cli {

namespace {

bench::ArmPlan arm_plan(const LabServer& server) {
  return {
      .name = server.name,
      .target = server.target,
      .kind = server.is_command ? bench::ArmPlan::Kind::kCommand : bench::ArmPlan::Kind::kHandler,
      .idle = server.idle,
      .tls = server.scheme == "https"};
}

// A handler's host as the command that it is, to be put into a control group.
std::string as_command(const bench::ArmPlan& arm) {
  if (arm.is_command()) return arm.target;
  return "exec " + shell_word(executable_path()) +
         " serve --listen 127.0.0.1:{port} --admin off --log-level warn -- " +
         shell_word(arm.target);
}

std::string last_line(const std::string& text) {
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

// Whether a comparison can still be made with these arms.
bool has_all(const LabCompare& compare, const std::vector<std::size_t>& arms) {
  const auto has = [&](std::size_t arm) {
    return std::find(arms.begin(), arms.end(), arm) != arms.end();
  };
  return has(compare.arm) && (!compare.than || has(*compare.than));
}

class RunTest {
 public:
  RunTest(const Claim& claim, const LabRun& run, const LabEnvironment& environment, bool quick,
          Interrupt& interrupt)
      : claim_(claim), run_(run), environment_(environment), quick_(quick), interrupt_(interrupt) {}

  // Nothing when it was interrupted before anything could be said.
  std::optional<LabRunResult> test() {
    result_.title = run_.title;
    choose_arms();
    BenchServers services(interrupt_);
    if (!enough_left() || !start_services(services) || !make_quota()) return leave();
    while (enough_left() && interrupt_.count() == 0) {
      const Result<void> done = measure();
      if (done) break;
      if (interrupt_.count() > 0) break;
      if (leave_out(done.error())) continue;  // and once more, without it
      fail(done.error());
      break;
    }
    return leave();
  }

 private:
  std::optional<LabRunResult> leave() {
    if (interrupt_.count() > 0 && result_.compares.empty() && result_.untestable.empty()) {
      return std::nullopt;
    }
    return std::move(result_);
  }

  void choose_arms() {
    for (const std::size_t arm : run_.arms) {
      const LabServer& server = claim_.arms[arm];
      if (const auto missing = environment_.missing(server.needs)) {
        result_.left_out.push_back({server.name, "it needs " + missing->what, missing->how, false});
      } else {
        arms_.push_back(arm);
      }
    }
  }

  bool enough_left() {
    const bool some =
        std::any_of(run_.compares.begin(), run_.compares.end(),
                    [this](const LabCompare& compare) { return has_all(compare, arms_); });
    if (some || !result_.untestable.empty()) return some;
    if (result_.left_out.empty()) return false;
    const LabLeftOut& first = result_.left_out.front();
    result_.untestable = first.name + ": " + first.reason;
    result_.how = first.how;
    return false;
  }

  bool start_services(BenchServers& services) {
    for (const std::size_t index : run_.services) {
      const LabService& service = claim_.services[index];
      if (const auto missing = environment_.missing(service.needs)) {
        result_.untestable = service.name + ": it needs " + missing->what;
        result_.how = missing->how;
        return false;
      }
      const bench::ArmPlan plan = arm_plan(service);
      auto launched = services.launch(plan);
      auto address = launched ? services.address(plan) : std::move(launched).error();
      if (!address) {
        fail(address.error());
        return false;
      }
      const std::string url = service.scheme + address->substr(address->find("://"));
      setenv(service.variable.c_str(), url.c_str(), 1);
    }
    return true;
  }

  bool make_quota() {
    if (run_.cpu == 0) return true;
    auto made = CpuQuota::create(run_.cpu);
    if (made) {
      quota_ = std::move(*made);
      return true;
    }
    result_.untestable = made.error().message;
    result_.how = made.error().hint;
    return false;
  }

  Result<void> measure() {
    std::vector<Error> errors;
    bench::Plan plan = lab_plan(claim_, run_, arms_, quick_, errors);
    if (!errors.empty()) return errors.front();
    for (bench::ArmPlan& arm : plan.arms) {
      if (quota_ == nullptr) break;
      arm.target = quota_->within(as_command(arm));
      arm.kind = bench::ArmPlan::Kind::kCommand;
    }
    std::vector<std::string> names;
    for (const bench::ArmPlan& arm : plan.arms) names.push_back(printable(arm.name));
    BenchProgress progress(names, plan.warmup, "lab");
    const auto note = [&](const std::string& line) {
      if (!line.starts_with("starting ")) progress.note(claim_.name + ": " + line);
    };
    if (plan.starts > 0) {
      auto cold = measure_cold(plan, interrupt_, note,
                               [&](std::uint32_t done) { progress.show(done, plan.starts); });
      if (!cold) return std::move(cold).error();
      evaluate_cold(claim_, run_, arms_, *cold, result_);
      return {};
    }
    auto schedule = make_schedule(plan.schedule);
    if (!schedule) return std::move(schedule).error();
    BenchRun bench(plan, interrupt_,
                   {.note = note,
                    .progress = [&](const bench::Generator& generator, Nanos elapsed,
                                    Nanos length) { progress.show(generator, elapsed, length); },
                    .searched = {}});
    auto result = bench.run(std::move(*schedule));
    if (!result) return std::move(result).error();
    evaluate_load(claim_, run_, arms_, plan, *result, result_);
    if (result->interrupted) result_.notes.push_back("interrupted: of the complete rounds only");
    return {};
  }

  // True when the error is an arm's own, and the arm is out.
  bool leave_out(const Error& error) {
    for (auto arm = arms_.begin(); arm != arms_.end(); ++arm) {
      const std::string& name = claim_.arms[*arm].name;
      const std::string shown = printable(name);
      if (error.where != shown && error.where != shown + bench::kCopySuffix) continue;
      const std::string last = last_line(error.detail);
      result_.left_out.push_back(
          {name, error.message + (last.empty() ? "" : ": " + last), error.hint, true});
      arms_.erase(arm);
      return true;
    }
    return false;
  }

  void fail(const Error& error) {
    const std::string last = last_line(error.detail);
    result_.untestable = (error.where.empty() ? "" : error.where + ": ") + error.message +
                         (last.empty() ? "" : ": " + last);
    result_.how = error.hint;
    result_.failed = true;
  }

  const Claim& claim_;
  const LabRun& run_;
  const LabEnvironment& environment_;
  const bool quick_;
  Interrupt& interrupt_;
  std::unique_ptr<CpuQuota> quota_;  // ends after the servers that are in it
  std::vector<std::size_t> arms_;    // those that are measured
  LabRunResult result_;
};

}  // namespace

bench::Plan lab_plan(const Claim& claim, const LabRun& run, const std::vector<std::size_t>& arms,
                     bool quick, std::vector<Error>& errors) {
  std::vector<std::string> options = run.options;
  for (const std::string& one : quick ? run.quick : std::vector<std::string>()) {
    const std::string_view name = std::string_view(one).substr(0, one.find('='));
    std::erase_if(options, [&](const std::string& other) {
      return std::string_view(other).substr(0, other.find('=')) == name;
    });
    options.push_back(one);
  }
  const Arguments arguments = parse_arguments(kBenchCommand.options, options);
  errors = arguments.errors();
  std::vector<bench::ArmPlan> measured;
  for (const std::size_t arm : arms) measured.push_back(arm_plan(claim.arms[arm]));
  bench::Plan plan = bench_plan(arguments, errors, std::move(measured));
  if (plan.starts == 0 && !plan.rounds_are_alike()) {
    errors.push_back(
        {"the rounds of a ramp or a replay are not alike, so that nothing compares them",
         {},
         "write one rate",
         {}});
  }
  return plan;
}

LabResult test_claim(const Claim& claim, const LabEnvironment& environment, bool quick,
                     Interrupt& interrupt) {
  LabResult result{claim.name, claim.claim, claim.source, claim.note, {}, false};
  if (auto entered = environment.enter(); !entered) {
    LabRunResult& run = result.runs.emplace_back();
    run.untestable = entered.error().message;
    run.how = entered.error().hint;
    run.failed = true;
    return result;
  }
  for (const LabRun& run : claim.runs) {
    if (interrupt.count() > 0) break;
    auto tested = RunTest(claim, run, environment, quick, interrupt).test();
    if (tested) result.runs.push_back(std::move(*tested));
  }
  result.interrupted = interrupt.count() > 0;
  return result;
}

}  // namespace duet::cli
