// `duet bench`: what it takes, and the order of what it does.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include "host/base/escape.h"
#include "host/cli/bench_bundle.h"
#include "host/cli/bench_cold.h"
#include "host/cli/bench_compare.h"
#include "host/cli/bench_conditions.h"
#include "host/cli/bench_page.h"
#include "host/cli/bench_plan.h"
#include "host/cli/bench_progress.h"
#include "host/cli/bench_run.h"
#include "host/cli/bench_text.h"
#include "host/cli/command.h"
#include "host/cli/terminal.h"

namespace duet::cli {

namespace {

constexpr HelpRow kExamples[] = {
    {"duet bench hello.mjs hello.py", "1,000 requests a second to each in turn, for 10 s"},
    {"duet bench http://127.0.0.1:8000/", "a server that runs"},
    {"duet bench js=a.mjs py=b.py --path /x", "with names for the table"},
    {"duet bench hello.so --rate 20k --duration 30s", ""},
    {"duet bench main:app --body @order.json", "POST with a body"},
    {"duet bench main:app --command 'uvicorn main:app --port {port}'",
     "beside its usual server, started for the run"},
    {"duet bench hello.so --rate 1k..9k --idle 5000", "a ramp beside idle connections"},
    {"duet bench hello.mjs hello.py --cold", "start to first answer"},
    {"duet bench hello.so --objective 'p99 < 5ms'", "how much it can take"},
    {"duet bench old.mjs new.mjs --fail-if 'p99 > 1.1x' --fail-if 'errors > 0'", "for a pipeline"},
    {"duet bench hello.so --closed --pipeline 16", "as fast as it answers"},
    {"duet bench main:app --output monday", "a run to be kept, and later:"},
    {"duet bench compare monday tuesday", "what has changed; also with --fail-if"},
};

constexpr HelpRow kArguments[] = {
    {"FILE, MODULE:ATTRIBUTE, CONFIG.toml",
     "what duet serve takes: each is served by a host of its own, on a free port, for as long as "
     "the run lasts"},
    {"http://HOST:PORT/PATH, https://, ws://, wss://", "a server that runs already"},
    {"--command COMMAND", "a server that is started for the run"},
    {"NAME=...", "either of them, called NAME in the table"},
};

constexpr Option kTargets[] = {
    {"command", "'[NAME=]COMMAND'",
     "Starts a server by a shell command: {port} in it, and PORT in its environment, is a free "
     "port "
     "of 127.0.0.1. It is measured once it answers, and stopped with all that it started.",
     "", true},
    {"pin", "[=SERVERS/GENERATOR]",
     "Keeps the servers that it starts and its generator to processors of their own: --pin=0-2/3, "
     "or the first two that may be used.",
     "where the kernel puts them"},
};

constexpr Option kSecurity[] = {
    {"tls", "[=NAME]",
     "Servers of --command, or the one called NAME, are asked by https:// (WebSockets by wss://). "
     "Their certificate is to be for localhost.",
     "http://", true},
    {"cacert", "FILE", "Whom to trust: certificates in PEM, instead of the system's authorities."},
    {.name = "insecure",
     .value = "",
     .help = "Trust anybody: the certificate is not looked at.",
     .otherwise = "",
     .letter = 'k'},
};

constexpr Option kLoad[] = {
    {"rate", "NUMBER",
     "Requests a second to the one whose turn it is; 20k is 20,000. 1000..5000 is a ramp, and the "
     "table then has its steps.",
     "1000"},
    {"objective", "'p99 < 20ms'",
     "Searches the highest rate at which that holds, from --rate upwards, and says at which it no "
     "longer does (95%). A rate holds when most of its trials pass and all of them together do."},
    {"cold", "",
     "Cold starts instead: of each --starts, in random order, the time from the start of the "
     "process "
     "to its first answer and to a steady state, which is looked for during --duration (1s)."},
    {"starts", "NUMBER", "Cold starts of each.", "15"},
    {"steps", "NUMBER", "The steps of a ramp, from its first rate to its last.", "5"},
    {"arrivals", "KIND",
     "poisson: at random, as of many independent users; or constant: at even distances.",
     "poisson"},
    {"closed", "",
     "A closed loop instead: each connection asks again as soon as it is answered. For capacity, "
     "not for latency."},
    {"connections", "NUMBER", "Connections to each.", "64"},
    {"idle", "'[NAME=]NUMBER'",
     "So many idle connections to each besides, or to the one called NAME, which were answered "
     "once before the run.",
     "", true},
    {"pipeline", "NUMBER", "Requests in flight on one connection, at most.", "1"},
    {"no-keep-alive", "", "A new connection for each request; it is in the latency."},
    {"patience", "DURATION", "What has no answer by then, or no free connection, has failed.",
     "10s"},
};

constexpr Option kRun[] = {
    {"duration", "DURATION", "How long is measured, all together.", "10s"},
    {"warmup", "DURATION", "The same load before that, which does not count.", "2s"},
    {"no-aa", "",
     "Without the A/A arm: of several, the first one is measured once more, to show how far the "
     "run "
     "tells it from itself."},
    {"ratio", "NAME/NAME",
     "Besides those to the first one: the ratio of one to another, with its interval.", "", true},
    {"block", "DURATION",
     "Several are measured in turn, in blocks of this length and in random order.",
     "a 40th of each one's time, 20ms to 500ms"},
    {"seed", "NUMBER", "For the random times and orders: the same seed, the same schedule.",
     "a random one, which is printed"},
};

constexpr Option kRequest[] = {
    {"path", "PATH", "With the query.", "that of the URL, or /"},
    {"method", "METHOD", "GET, PUT, ….", "GET, or POST with a body"},
    {"header", "'NAME: VALUE'", "A field of each request.", "", true},
    {"body", "TEXT", "The body; @FILE is the content of a file. Several take turns.", "", true},
    {"websocket", "",
     "All targets are WebSockets, as those of ws:// are anyway: each --body is a message, and "
     "latency lasts until a message comes back."},
    {"requests", "FILE",
     "Recorded requests: a HAR, an access log (common or combined), or JSON lines. They take "
     "turns, "
     "in their order."},
    {"replay", "SPEED",
     "At their recorded distances instead of a --rate: 1x, or 10x for ten times as fast. Each "
     "target gets all of them."},
    {"shuffle", "", "Recorded requests in random order."},
};

constexpr Option kOutput[] = {
    {"json", "", "Print the result as JSON; durations are in nanoseconds."},
    {"fail-if", "'FIGURE > LIMIT'",
     "For pipelines: exit code 3 when it holds for a target, 4 when that cannot be told. FIGURE is "
     "p50, p90, p99, p99.9, mean, cpu, throughput or errors; LIMIT is 1.1x (of the first "
     "target's), "
     "20ms, 5000 or 1%. Also <.",
     "", true},
    {"html", "FILE", "Write a page that stands alone: the verdict, figures and drawings."},
    {"output", "DIRECTORY",
     "Keep the run there: run.json, each one's latencies as a log for HdrHistogram's tools, and "
     "rerun.sh."},
    {"force", "", "With compare: also runs that were not made alike."},
    kHelpOption,
};

constexpr OptionGroup kOptions[] = {{"Servers", kTargets},  {"https:// and wss://", kSecurity},
                                    {"Load", kLoad},        {"Run", kRun},
                                    {"Requests", kRequest}, {"Output", kOutput}};

constexpr HelpSection kSections[] = {
    {"What is measured", kArguments, {}},
    {"Recorded requests",
     {},
     "A JSON line is {\"path\": ..., \"method\", \"headers\": {...}, \"body\" or \"json\" or\n"
     "\"body_file\", \"at\": seconds or a time}; all may be missing, and the path is\n"
     "then the target's. Fields of the connection and Host are not repeated. What\n"
     "cannot be sent is left out, and said."},
    {"How it measures",
     {},
     "The load is open: every request has an intended time, fixed before the run,\n"
     "and its latency counts from there. A server that stalls for a second delays\n"
     "all that was to arrive in that second, and all of it is counted. A request\n"
     "without an answer is slower than any. Arrivals are the kernel's times.\n"
     "\n"
     "What the generator itself sends late is shown as send lag and subtracted from\n"
     "nothing: a latency that consists of it by more than 5% is void, and not shown;\n"
     "nor is a quantile beyond which not even one request lies (too few)."},
    {"The comparison",
     {},
     "With several, the first one is what the others are compared with, and runs\n"
     "once more as the A/A arm. Each round has a block of each; whole rounds are\n"
     "drawn again and again (bootstrap, from the seed), which gives intervals that\n"
     "hold the truth in 95 of 100 runs. Rounds before the last level of the blocks'\n"
     "medians are left out as warming up (change points). A verdict is as wide as\n"
     "its interval, or says that it cannot tell and how many more requests that\n"
     "takes. A ratio that the generator's lag moves by more than 1% is void."},
    {"Runs that were kept",
     {},
     "duet bench compare OLD NEW compares what --output kept, for targets of the\n"
     "same name. It refuses when the kernel, the processor, a limit, a version, a\n"
     "flag in the environment or the load is another, unless --force is given. A\n"
     "ratio of --fail-if is to OLD."},
    {"Signals and exit codes",
     {},
     "Ctrl-C ends the run and prints what the complete rounds say; a second one ends\n"
     "at once. 0 done, 1 a server does not start, cannot be reached, or is gone at\n"
     "the end of the run, the result cannot be written, or runs cannot be compared,\n"
     "2 command line wrong, 3 a --fail-if holds: the whole 95% interval lies beyond\n"
     "its limit, 4 none holds but one cannot be told, as the limit lies within the\n"
     "interval or there is no interval (a longer --duration), 130 interrupted."},
};

constexpr OptionHint kHints[] = {
    {"c", "did you mean '--connections'?"}, {"d", "did you mean '--duration'?"},
    {"t", "the generator has one thread"},  {"threads", "the generator has one thread"},
    {"R", "did you mean '--rate'?"},        {"H", "did you mean '--header'?"},
    {"X", "did you mean '--method'?"},      {"data", "did you mean '--body'?"},
    {"n", "write --duration DURATION"},
};

constexpr std::string_view kProgram = "duet bench";

// What makes the same run again; where its result goes is no part of it.
CommandWords words_of(const Arguments& arguments) {
  constexpr std::string_view kLeftOut[] = {"seed", "output", "html", "json", "force"};
  CommandWords words{{}, arguments.positional()};
  for (const auto& [name, value] : arguments.given()) {
    if (std::find(std::begin(kLeftOut), std::end(kLeftOut), name) != std::end(kLeftOut)) continue;
    bool flag = false;
    for (const OptionGroup& group : kOptions) {
      for (const Option& option : group.options) {
        flag = flag || (option.name == name && option.value.empty());
      }
    }
    words.options.push_back("--" + std::string(name) + (flag ? "" : "=" + value));
  }
  return words;
}

// compare OLD NEW
int run_compare(const Arguments& arguments) {
  constexpr std::string_view kTaken[] = {"json", "force", "fail-if"};
  const std::vector<std::string>& words = arguments.positional();
  const bool others =
      std::any_of(arguments.given().begin(), arguments.given().end(), [&](const auto& option) {
        return std::find(std::begin(kTaken), std::end(kTaken), option.first) == std::end(kTaken);
      });
  if (words.size() != 3 || others) {
    print_error(kProgram,
                {"compare takes two directories that --output wrote, --json, --force and --fail-if",
                 {},
                 "duet bench compare OLD NEW",
                 {}});
    return kExitUsage;
  }
  const Result<Bundle> before = read_bundle(words[1]), now = read_bundle(words[2]);
  for (const auto* bundle : {&before, &now}) {
    if (!*bundle) print_error(kProgram, bundle->error());
  }
  if (!before || !now) return kExitFailure;
  std::vector<Error> errors;
  const auto conditions = bench_conditions(arguments, {.closed = now->closed}, errors);
  for (const Error& error : errors) print_error(kProgram, error);
  if (!errors.empty()) return kExitUsage;
  const auto runs = compare_runs(*before, *now, arguments.has("force"));
  if (!runs) {
    print_error(kProgram, runs.error());
    return kExitFailure;
  }
  const std::vector<Judged> judged = judge_runs(conditions, *runs);
  std::string text;
  if (arguments.has("json")) {
    auto json = compared_json(*before, *now, *runs);
    if (!judged.empty()) json["fail_if"] = conditions_json(judged);
    text = json.dump(2) + "\n";
  } else {
    text = fitted(
        compared_text(*before, *now, *runs, wants_color(STDOUT_FILENO)) + conditions_text(judged),
        STDOUT_FILENO);
  }
  return print_result(kProgram, text) ? exit_code(judged) : kExitFailure;
}

std::vector<JudgedArm> judged_arms(const bench::Plan& plan, const BenchResult& result) {
  std::vector<JudgedArm> arms;
  for (std::size_t i = 0; i < plan.arms.size(); ++i) {
    const bench::Summary& s = result.arms[i];
    arms.push_back({printable(plan.arms[i].name),
                    plan.arms[i].is_copy,
                    {s.requests, s.lost + s.unsent + s.bad_status}});
  }
  return arms;
}

std::vector<Error> gone_arms(const std::vector<std::string>& names, const BenchResult& result) {
  std::vector<Error> errors;
  for (std::size_t arm = 0; arm < names.size(); ++arm) {
    if (result.gone[arm].empty()) continue;
    errors.push_back({result.gone[arm] + ": the run has no valid result", names[arm], {}, {}});
  }
  return errors;
}

int run(const Arguments& arguments) {
  if (!arguments.positional().empty() && arguments.positional()[0] == "compare") {
    return run_compare(arguments);
  }
  std::vector<Error> errors;
  const bench::Plan plan = bench_plan(arguments, errors);
  const std::vector<bench::Condition> conditions =
      bench_conditions(arguments,
                       {plan.rounds_are_alike(), plan.arms.size() > 1,
                        plan.schedule.arrivals == bench::Arrivals::kClosed},
                       errors);
  const auto output = arguments.value("output"), html = arguments.value("html");
  if ((output || html) && (plan.objective || plan.starts > 0)) {
    errors.push_back({"--output and --html are of runs, not of --objective or --cold", {}, {}, {}});
  }
  if (arguments.has("force")) {
    errors.push_back({"--force is of compare", {}, "duet bench compare OLD NEW", {}});
  }
  Result<bench::Schedule> schedule = bench::Schedule{};
  if (errors.empty()) schedule = make_schedule(plan.schedule);
  if (!schedule) errors.push_back(schedule.error());
  for (const Error& error : errors) print_error(kProgram, error);
  if (!errors.empty()) return kExitUsage;
  // What cannot be written is said before the run.
  Result<void> unkept;
  if (output) unkept = open_bundle(*output);
  if (unkept && html) unkept = can_write(*html);
  if (!unkept) {
    print_error(kProgram, unkept.error());
    return kExitFailure;
  }

  Interrupt interrupt;
  std::vector<std::string> names;
  for (const bench::ArmPlan& arm : plan.arms) names.push_back(printable(arm.name));
  BenchProgress progress(names, plan.warmup);
  for (const std::string& note : plan.notes) progress.note(note);
  BenchRun bench(
      plan, interrupt,
      {.note = [&](const std::string& line) { progress.note(line); },
       .progress = [&](const bench::Generator& generator, Nanos elapsed,
                       Nanos length) { progress.show(generator, elapsed, length); },
       .searched = [&](const std::vector<bench::CapacitySearch>& searches, std::size_t turn,
                       double rate,
                       const bench::Trial& trial) { progress.show(searches, turn, rate, trial); }});
  std::string text;
  Result<void> failed;
  std::vector<Judged> judged;
  std::vector<Error> gone;
  if (plan.starts > 0) {
    const auto result = measure_cold(
        plan, interrupt, [&](const std::string& line) { progress.note(line); },
        [&](std::uint32_t done) { progress.show(done, plan.starts); });
    if (!result) failed = result.error();
    if (result) {
      text = arguments.has("json") ? cold_json(plan, *result).dump(2) + "\n"
                                   : fitted(cold_text(plan, *result), STDOUT_FILENO);
    }
  } else if (plan.objective) {
    const auto result = bench.search();
    if (!result) failed = result.error();
    if (result) {
      text = arguments.has("json") ? capacity_json(plan, *result).dump(2) + "\n"
                                   : fitted(capacity_text(plan, *result), STDOUT_FILENO);
    }
  } else {
    const auto result = bench.run(std::move(*schedule));
    if (!result) failed = result.error();
    if (result) gone = gone_arms(names, *result);
    if (result && !conditions.empty()) {
      judged = judge_all(conditions, *result->comparison, judged_arms(plan, *result));
    }
    if (result && arguments.has("json")) {
      auto json = bench_json(plan, *result);
      if (!judged.empty()) json["fail_if"] = conditions_json(judged);
      text = json.dump(2) + "\n";
    } else if (result) {
      text =
          fitted(bench_text(plan, *result, {wants_color(STDOUT_FILENO)}) + conditions_text(judged),
                 STDOUT_FILENO);
    }
    if (result && output) unkept = write_bundle(*output, plan, *result, words_of(arguments));
    if (result && unkept && html) unkept = write_text(*html, bench_page(plan, *result));
  }
  progress.clear();
  const int code = interrupt.count() > 0 ? 128 + interrupt.signal() : exit_code(judged);
  if (!failed) {
    print_error(kProgram, failed.error());
    return interrupt.count() > 0 ? code : kExitFailure;
  }
  if (!print_result(kProgram, text)) return kExitFailure;
  for (const Error& error : gone) print_error(kProgram, error);
  if (!unkept) {
    print_error(kProgram, unkept.error());
    return kExitFailure;
  }
  return !gone.empty() && (code == kExitOk || code == kExitCannotTell) ? kExitFailure : code;
}

}  // namespace

const Command kBenchCommand = {"bench",
                               "measures handlers and servers under an open load",
                               "FILE|URL...",
                               kExamples,
                               kOptions,
                               kSections,
                               kHints,
                               static_cast<std::size_t>(-1),
                               run};

}  // namespace duet::cli
