#include "host/cli/bench_bundle.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "host/base/escape.h"
#include "host/bench/hdr_log.h"
#include "host/cli/bench_environment.h"
#include "host/cli/bench_text.h"

namespace duet::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "duet bench run 1";
constexpr const char* kRun = "/run.json";

Error cannot(std::string what, const std::string& file, std::string hint = {}) {
  return {std::move(what), file, std::move(hint), {}};
}

Result<std::string> read(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in) return text;
  return cannot(std::string("it cannot be read: ") + std::strerror(errno), file);
}

std::string log_name(std::size_t arm) { return std::to_string(arm + 1) + ".hlog"; }

// "0", "5000 to each", "5000 to node".
std::string idle_text(const bench::Plan& plan) {
  const auto as_first = [&](const bench::ArmPlan& arm) { return arm.idle == plan.arms[0].idle; };
  if (!plan.any_idle()) return "0";
  if (std::all_of(plan.arms.begin(), plan.arms.end(), as_first)) {
    return std::to_string(plan.arms[0].idle) + " to each";
  }
  std::string text;
  for (const bench::ArmPlan& arm : plan.arms) {
    if (arm.idle == 0) continue;
    text += fmt::format("{}{} to {}", text.empty() ? "" : ", ", arm.idle, printable(arm.name));
  }
  return text;
}

// What two runs must have in common besides the machine.
bench::Fingerprint load_facts(const bench::Plan& plan) {
  const auto& generator = plan.generator;
  bench::Fingerprint facts = {
      {"arrivals", std::string(arrivals_name(plan.schedule.arrivals))},
      {"connections", std::to_string(generator.connections)},
      {"idle connections", idle_text(plan)},
      {"pipelining", std::to_string(generator.depth)},
      {"keep-alive", generator.keep_alive ? "yes" : "no"},
  };
  if (plan.pinning) facts.push_back({"pinning", pinning_text(plan)});
  if (plan.schedule.arrivals != bench::Arrivals::kClosed) {
    facts.push_back({"rate", fmt::format("{:g}", plan.schedule.rate)});
  }
  if (plan.recording) {
    facts.push_back({"requests", fmt::format("{} recorded ({})", plan.recording->entries.size(),
                                             plan.recording->format)});
    return facts;
  }
  std::size_t bytes = 0;
  for (const std::string& body : plan.bodies) bytes += body.size();
  facts.push_back({"method", plan.method});
  facts.push_back({"path", plan.path.value_or("that of each target")});
  facts.push_back({"bodies", fmt::format("{} of {} bytes", plan.bodies.size(), bytes)});
  return facts;
}

// By round that counts: what the log cannot hold.
Json rounds_json(const bench::ArmRounds& rounds) {
  std::vector<std::uint64_t> all(rounds.counts.size());
  for (const stats::Observation& one : rounds.latency.ascending()) all[one.block] += one.count;
  Json list = Json::array();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto answered = static_cast<std::uint64_t>(rounds.counts[i].answered);
    const double cpu = rounds.counts[i].cpu;
    list.push_back({{"loaded_ns", rounds.counts[i].loaded},
                    {"answered", answered},
                    {"unanswered", all[i] - answered},
                    {"cpu_ns", std::isnan(cpu) ? Json() : Json(cpu)}});
  }
  return list;
}

// Throws Json::exception where a member is missing or of another kind.
Result<BundleArm> read_arm(const std::string& directory, const nlohmann::json& json) {
  const std::string file = directory + "/" + json.at("log").get<std::string>();
  auto text = read(file);
  if (!text) return std::move(text).error();
  auto intervals = bench::read_hdr_log(*text);
  if (!intervals) {
    Error error = std::move(intervals).error();
    error.where = file + ", " + error.where;
    return error;
  }
  const nlohmann::json& rounds = json.at("rounds");
  if (rounds.size() != intervals->size()) {
    return cannot(
        fmt::format("it has {} intervals, and the run {} rounds", intervals->size(), rounds.size()),
        file);
  }
  std::vector<stats::Observation> observations;
  std::vector<bench::RoundCounts> counts;
  for (std::uint32_t i = 0; i < intervals->size(); ++i) {
    for (const auto& [value, count] : (*intervals)[i].counts) {
      observations.push_back({static_cast<double>(value), i, static_cast<std::uint32_t>(count)});
    }
    if (const auto lost = rounds[i].at("unanswered").get<std::uint32_t>(); lost > 0) {
      observations.push_back({std::numeric_limits<double>::infinity(), i, lost});
    }
    const nlohmann::json& cpu = rounds[i].at("cpu_ns");
    counts.push_back(
        {rounds[i].at("loaded_ns").get<double>(), rounds[i].at("answered").get<double>(),
         cpu.is_number() ? cpu.get<double>() : std::numeric_limits<double>::quiet_NaN()});
  }
  bench::ArmRounds arm{
      {std::move(observations), static_cast<std::uint32_t>(counts.size())}, std::move(counts), {}};
  arm.beyond_reach = json.value("beyond_reach", false);  // older runs do not say
  const nlohmann::json& lag = json.at("lag_shares");
  for (std::size_t i = 0; i < arm.lag.size() && i < lag.size(); ++i) arm.lag[i] = lag[i];
  return BundleArm{
      json.at("name"), json.at("copy"), {json.at("requests"), json.at("failed")}, std::move(arm)};
}

}  // namespace

Result<void> write_text(const std::string& file, std::string_view text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (out) return {};
  return cannot(std::string("it cannot be written: ") + std::strerror(errno), file);
}

Result<void> can_write(const std::string& file) {
  if (std::ofstream(file, std::ios::app)) return {};
  return cannot(std::string("it cannot be written: ") + std::strerror(errno), file);
}

Result<void> open_bundle(const std::string& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) {
    return cannot("it cannot be created: " + failure.message(), directory);
  }
  if (std::filesystem::exists(directory + kRun, failure)) {
    return cannot("there is a run in it already", directory, "another --output");
  }
  // Now rather than after the run.
  const std::string probe = directory + "/rerun.sh";
  auto written = can_write(probe);
  std::filesystem::remove(probe, failure);
  return written;
}

std::string rerun_script(const CommandWords& words, const std::string& directory,
                         std::uint64_t seed) {
  std::string text =
      "#!/bin/sh\n# The same run again: the same schedule on the same targets. --output and others "
      "may be added.\n";
  text += "cd " + shell_word(directory) + " && exec \"${DUET:-duet}\" bench \"$@\"";
  for (const std::string& option : words.options) text += " " + shell_word(option);
  text += " --seed=" + std::to_string(seed) + " --";
  for (const std::string& target : words.targets) text += " " + shell_word(target);
  return text + "\n";
}

Result<void> write_bundle(const std::string& directory, const bench::Plan& plan,
                          const BenchResult& result, const CommandWords& words) {
  Json json;
  json["format"] = kFormat;
  json["started"] =
      fmt::format("{:%FT%TZ}", fmt::gmtime(static_cast<std::time_t>(result.started / kSecond)));
  std::error_code ignored;
  const std::string here = std::filesystem::current_path(ignored).string();
  json["directory"] = here;
  json["options"] = words.options;
  json["targets"] = words.targets;
  json["seed"] = plan.schedule.seed;
  json["fingerprint"] = fingerprint_json(result.fingerprint);
  json["load"] = fingerprint_json(load_facts(plan));
  json["disturbed"] = disturbance_notes(result.disturbance, result.schedule.length);
  json["closed"] = plan.schedule.arrivals == bench::Arrivals::kClosed;
  json["rounds_are_alike"] = plan.rounds_are_alike();
  json["arms"] = Json::array();
  for (std::size_t i = 0; i < plan.arms.size(); ++i) {
    const auto arm = static_cast<std::uint16_t>(i);
    const auto log = bench::hdr_log(result.schedule, arm, result.rounds, result.started);
    if (!log) return log.error();
    if (auto written = write_text(directory + "/" + log_name(i), *log); !written) return written;
    const bench::ArmRounds rounds = arm_rounds(result.schedule, arm, result.rounds, result.cpu[i]);
    const bench::Summary& summary = result.arms[i];
    json["arms"].push_back({{"name", plan.arms[i].name},
                            {"copy", plan.arms[i].is_copy},
                            {"log", log_name(i)},
                            {"requests", summary.requests},
                            {"failed", summary.lost + summary.unsent + summary.bad_status},
                            {"lag_shares", rounds.lag},
                            {"beyond_reach", rounds.beyond_reach},
                            {"rounds", rounds_json(rounds)}});
  }
  json["result"] = bench_json(plan, result);
  const std::string script = directory + "/rerun.sh";
  if (auto written = write_text(script, rerun_script(words, here, plan.schedule.seed)); !written) {
    return written;
  }
  using std::filesystem::perms;
  std::filesystem::permissions(script, perms::owner_exec | perms::group_exec | perms::others_exec,
                               std::filesystem::perm_options::add, ignored);
  // Last: a directory with it is complete. Names may be any bytes.
  return write_text(directory + kRun,
                    json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Result<Bundle> read_bundle(const std::string& directory) {
  const std::string file = directory + kRun;
  auto text = read(file);
  if (!text) {
    Error error = std::move(text).error();
    error.hint = "a directory that duet bench --output wrote";
    return error;
  }
  try {
    const auto json = nlohmann::json::parse(*text);
    if (json.at("format") != kFormat) {
      return cannot("its format is " + json.at("format").dump() + ", and this duet reads \"" +
                        std::string(kFormat) + "\"",
                    file);
    }
    if (!json.at("rounds_are_alike").get<bool>()) {
      return cannot(
          "it is of a ramp or a replay, whose rounds are not alike: they have no figures "
          "to compare",
          file);
    }
    Bundle bundle;
    bundle.directory = directory;
    bundle.started = json.at("started");
    bundle.fingerprint = fingerprint_of(json.at("fingerprint"));
    bundle.load = fingerprint_of(json.at("load"));
    bundle.disturbed = json.at("disturbed");
    bundle.closed = json.at("closed");
    for (const auto& one : json.at("arms")) {
      auto arm = read_arm(directory, one);
      if (!arm) return std::move(arm).error();
      bundle.arms.push_back(std::move(*arm));
    }
    return bundle;
  } catch (const nlohmann::json::exception& problem) {
    return cannot(std::string("it is not what duet bench writes: ") + problem.what(), file);
  }
}

}  // namespace duet::cli
