#include "host/cli/bench_plan.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include "host/base/escape.h"
#include "host/bench/random.h"
#include "host/cli/bench_capacity.h"
#include "host/config/values.h"

namespace duet::cli {

namespace {

constexpr double kMostRate = 10e6;
constexpr Nanos kLongestRun = 3600 * kSecond;
// Enough blocks for intervals and for seeing a warm-up, in a run of any length.
constexpr Nanos kRoundsWanted = 40;
constexpr Nanos kShortestBlock = 20 * kMillisecond, kLongestBlock = 500 * kMillisecond;

class PlanReader {
 public:
  PlanReader(const Arguments& arguments, std::vector<Error>& errors)
      : arguments_(arguments), errors_(errors) {}

  bench::Plan read(std::vector<bench::ArmPlan> arms) {
    plan_.arms = std::move(arms);
    plan_.websocket = arguments_.has("websocket");
    if (plan_.arms.empty()) read_arms();
    read_tls();
    read_security();
    read_load();
    read_request();
    read_recording();
    read_pinning();
    read_pairs();
    add_copy();
    read_times();
    plan_.schedule.arms = static_cast<std::uint16_t>(plan_.arms.size());
    const std::size_t texts =
        plan_.recording ? plan_.recording->requests.size() : plan_.bodies.size();
    plan_.schedule.texts.assign(plan_.arms.size(), static_cast<std::uint32_t>(texts));
    return std::move(plan_);
  }

 private:
  void wrong(std::string message, std::string hint) {
    errors_.push_back({std::move(message), {}, std::move(hint), {}});
  }

  // A number with an optional k (thousand) behind it.
  double number(std::string_view option, std::string_view text, double least, double most) {
    std::string_view digits = text;
    const bool thousands = digits.ends_with('k');
    if (thousands) digits.remove_suffix(1);
    double value = 0;
    const auto [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    value *= thousands ? 1000 : 1;
    if (digits.empty() || failure != std::errc() || end != digits.data() + digits.size() ||
        !(value >= least && value <= most)) {
      wrong("--" + std::string(option) + " '" + printable(text) + "' is no such number",
            "from " + shown(least) + " to " + shown(most));
      return least;
    }
    return value;
  }
  static std::string shown(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.10g", value);
    return text;
  }

  std::uint64_t whole(std::string_view option, std::uint64_t otherwise, std::uint64_t least,
                      std::uint64_t most) {
    const auto text = arguments_.value(option);
    return text ? whole_in(option, *text, otherwise, least, most) : otherwise;
  }

  std::uint64_t whole_in(std::string_view option, const std::string& text, std::uint64_t otherwise,
                         std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || failure != std::errc() || end != text.data() + text.size() ||
        value < least || value > most) {
      wrong("--" + std::string(option) + " '" + printable(text) + "' is no such number",
            "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
      return otherwise;
    }
    return value;
  }

  Nanos duration(std::string_view option, Nanos otherwise, Nanos least) {
    const auto text = arguments_.value(option);
    if (!text) return otherwise;
    const auto parsed = config::parse_duration(*text);
    if (!parsed) {
      wrong("--" + std::string(option) + ": " + parsed.error().message, parsed.error().hint);
      return otherwise;
    }
    if (*parsed < least || *parsed > kLongestRun) {
      wrong("--" + std::string(option) + " is from " + config::show_duration(least) + " to 1h", "");
      return otherwise;
    }
    return *parsed;
  }

  // With a number behind it when there is one of that name.
  std::string free_name(std::string name) const {
    const auto taken = [this](const std::string& other) {
      return std::any_of(plan_.arms.begin(), plan_.arms.end(),
                         [&](const bench::ArmPlan& arm) { return arm.name == other; });
    };
    const std::string base = name;
    for (int number = 2; taken(name); ++number) name = base + "#" + std::to_string(number);
    return name;
  }

  void add_arm(std::string name, std::string target, bench::ArmPlan::Kind kind) {
    plan_.arms.push_back({free_name(std::move(name)), std::move(target), kind});
  }

  // Of all commands, or of those that it names.
  void read_tls() {
    for (const std::string& name : arguments_.values("tls")) {
      bool any = false;
      for (bench::ArmPlan& arm : plan_.arms) {
        if (!arm.is_command() || (!name.empty() && arm.name != name)) continue;
        arm.tls = any = true;
      }
      if (any) continue;
      wrong("--tls" + (name.empty() ? "" : "=" + printable(name)) + " is of no --command",
            "a server that runs is named by https://, and duet serve has no TLS yet");
    }
  }

  void read_security() {
    plan_.tls.verify = !arguments_.has("insecure");
    plan_.tls.authorities = arguments_.value("cacert").value_or("");
    const bool any =
        std::any_of(plan_.arms.begin(), plan_.arms.end(), [](const bench::ArmPlan& arm) {
          return arm.tls || (arm.is_url() &&
                             (arm.target.starts_with("https") || arm.target.starts_with("wss")));
        });
    for (const char* option : {"insecure", "cacert"}) {
      if (!any && arguments_.has(option)) {
        wrong("--" + std::string(option) + " is of https:// and wss:// targets",
              "--tls asks the server of a --command by https://");
      }
    }
    if (!plan_.tls.authorities.empty()) content(plan_.tls.authorities, "the file of --cacert");
  }

  // Of the first arm, to run beside the others.
  void add_copy() {
    if (plan_.arms.size() < 2 || !plan_.rounds_are_alike() || arguments_.has("no-aa")) return;
    bench::ArmPlan copy = plan_.arms.front();
    copy.name = free_name(copy.name + bench::kCopySuffix);
    copy.is_copy = true;
    plan_.arms.push_back(std::move(copy));
  }

  // [NAME=]TARGET; a name has no character that a file or URL needs before its first '='.
  void read_arms() {
    bool sockets = false, others = !arguments_.values("command").empty();
    for (const std::string& word : arguments_.positional()) {
      const std::size_t equals = word.find('=');
      const bool named =
          equals != std::string::npos && equals > 0 && word.find_first_of("/:?.", 0) > equals;
      std::string target = named ? word.substr(equals + 1) : word;
      if (target.empty()) wrong("'" + printable(word) + "' names nothing to measure", "");
      const std::string_view scheme = std::string_view(target).substr(0, target.find("://"));
      const bool socket = scheme == "ws" || scheme == "wss";
      const bool url = socket || scheme == "http" || scheme == "https";
      (socket ? sockets : others) = true;
      std::string name = named ? word.substr(0, equals) : word;
      if (!named && !url) name = word.substr(word.rfind('/') + 1);
      add_arm(std::move(name), std::move(target),
              url ? bench::ArmPlan::Kind::kUrl : bench::ArmPlan::Kind::kHandler);
    }
    for (const std::string& text : arguments_.values("command")) read_command(text);
    plan_.websocket = plan_.websocket || sockets;
    if (sockets && others && !arguments_.has("websocket")) {
      wrong("a ws:// target is measured beside other WebSockets only",
            "--websocket makes WebSockets of all of them");
    }
    if (plan_.arms.empty()) {
      wrong("there is nothing to measure",
            "duet bench hello.mjs hello.py, or duet bench http://127.0.0.1:8000/");
    }
  }

  // [NAME=]COMMAND; "PORT=1 node x.js" begins with a variable of the environment instead.
  void read_command(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::string before = text.substr(0, equals);
    const auto all = [&before](auto&& is) {
      return std::all_of(before.begin(), before.end(), [&](unsigned char c) { return is(c); });
    };
    const bool word = all([](int c) { return std::isalnum(c) || c == '_' || c == '-'; });
    const bool variable = all([](int c) { return std::isupper(c) || std::isdigit(c) || c == '_'; });
    const bool named = equals != std::string::npos && equals > 0 && word && !variable;
    std::string command = named ? text.substr(equals + 1) : text;
    const std::size_t begin = command.find_first_not_of(" \t");
    if (begin == std::string::npos) {
      wrong("--command '" + printable(text) + "' names no command",
            "--command 'uvicorn main:app --port {port}'");
      return;
    }
    std::string name = before;
    if (!named) {  // the program, without its folder and what stands before it
      std::istringstream words(command);
      while (words >> name && (name.find('=') != std::string::npos || name == "exec")) {
      }
      name = name.substr(name.rfind('/') + 1);
    }
    add_arm(std::move(name), std::move(command), bench::ArmPlan::Kind::kCommand);
  }

  void read_pinning() {
    const auto text = arguments_.value("pin");
    if (!text) return;
    auto pinning = bench::parse_pinning(*text, bench::usable_processors());
    if (pinning) {
      plan_.pinning = std::move(*pinning);
    } else {
      errors_.push_back(std::move(pinning).error());
    }
    for (const bench::ArmPlan& arm : plan_.arms) {
      if (arm.is_url()) {
        plan_.notes.push_back(printable(arm.name) +
                              " runs already: --pin leaves it where it is, which may be beside "
                              "the generator");
      }
    }
  }

  // "js/deno"; names may have a '/' themselves.
  void read_pairs() {
    const auto arm_of = [this](std::string_view name) -> std::optional<std::size_t> {
      for (std::size_t i = 0; i < plan_.arms.size(); ++i) {
        if (plan_.arms[i].name == name) return i;
      }
      return std::nullopt;
    };
    for (const std::string& text : arguments_.values("ratio")) {
      const std::size_t before = plan_.pairs.size();
      for (std::size_t slash = 0; (slash = text.find('/', slash)) != std::string::npos; ++slash) {
        const auto of = arm_of(std::string_view(text).substr(0, slash));
        const auto to = arm_of(std::string_view(text).substr(slash + 1));
        if (of && to && of != to) plan_.pairs.emplace_back(*of, *to);
      }
      if (plan_.pairs.size() > before) continue;
      std::string names;
      for (const bench::ArmPlan& arm : plan_.arms) {
        names += (names.empty() ? "" : ", ") + printable(arm.name);
      }
      wrong("--ratio '" + printable(text) + "' is not of one of them to another",
            "NAME/NAME, of " + names);
    }
    if (!plan_.pairs.empty() && !plan_.rounds_are_alike() && plan_.starts == 0) {
      wrong("--ratio needs a steady load", "leave --replay, a ramp's rates and --objective out");
    }
  }

  void read_load() {
    bench::ScheduleOptions& schedule = plan_.schedule;
    const std::string arrivals = arguments_.value("arrivals").value_or("poisson");
    read_rate();
    if (arrivals == "constant") {
      schedule.arrivals = bench::Arrivals::kConstant;
    } else if (arrivals == "poisson") {
      schedule.arrivals = bench::Arrivals::kPoisson;
    } else {
      wrong("--arrivals '" + printable(arrivals) + "' is not known", "poisson or constant");
    }
    if (arguments_.has("closed")) {
      schedule.arrivals = bench::Arrivals::kClosed;
      for (const char* option : {"rate", "arrivals"}) {
        if (arguments_.has(option)) {
          wrong("--closed has no --" + std::string(option),
                "a closed loop asks again as soon as it is answered");
        }
      }
    }
    bench::Generator::Options& generator = plan_.generator;
    generator.keep_alive = !arguments_.has("no-keep-alive");
    generator.connections = static_cast<std::uint32_t>(whole("connections", 64, 1, 60'000));
    generator.depth = static_cast<std::uint32_t>(whole("pipeline", 1, 1, 1024));
    if (!generator.keep_alive && generator.depth > 1) {
      wrong("--no-keep-alive sends one request on each connection, --pipeline several",
            "leave one of them out");
    }
    read_cold();
    if (const auto text = arguments_.value("objective")) {
      auto objective = parse_objective(*text);
      if (objective) plan_.objective = *objective;
      if (!objective) errors_.push_back(std::move(objective).error());
      for (const char* option : {"closed", "replay", "steps", "duration", "block", "idle"}) {
        if (arguments_.has(option)) {
          wrong("--objective has no --" + std::string(option), "it chooses its rates and trials");
        }
      }
      if (!schedule.steps.empty()) wrong("--objective begins at one --rate", "--rate 1000");
    }
    read_idle();
    if (plan_.any_idle() && !generator.keep_alive) {
      wrong("idle connections are kept alive", "leave out --idle or --no-keep-alive");
    }
    generator.patience = duration("patience", 10 * kSecond, 10 * kMillisecond);
  }

  // "10000" of all of them, "node=10000" of one.
  void read_idle() {
    for (const std::string& text : arguments_.values("idle")) {
      const std::size_t equals = text.rfind('=');
      const std::string name = equals == std::string::npos ? "" : text.substr(0, equals);
      const std::string count = equals == std::string::npos ? text : text.substr(equals + 1);
      const auto idle = static_cast<std::uint32_t>(whole_in("idle", count, 0, 1, 1'000'000));
      bool any = false;
      for (bench::ArmPlan& arm : plan_.arms) {
        if (!name.empty() && arm.name != name) continue;
        arm.idle = idle;
        any = true;
      }
      if (!any) wrong("--idle '" + printable(text) + "' is of none of them", "NAME=NUMBER");
    }
  }

  void read_cold() {
    if (!arguments_.has("cold")) {
      if (arguments_.has("starts")) wrong("--starts is of --cold", "--cold --starts 20");
      return;
    }
    plan_.starts = static_cast<std::uint32_t>(whole("starts", 15, 6, 1000));
    plan_.after_start = duration("duration", kSecond, 200 * kMillisecond);
    for (const char* option :
         {"rate", "closed", "replay", "objective", "idle", "websocket", "tls"}) {
      if (arguments_.has(option)) {
        wrong("--cold has no --" + std::string(option), "it asks by itself, one request at a time");
      }
    }
    for (const bench::ArmPlan& arm : plan_.arms) {
      if (arm.is_url()) {
        wrong("--cold starts its servers itself, and " + printable(arm.target) + " runs",
              "--command 'uvicorn main:app --port {port}'");
      }
    }
  }

  // "5000", or a ramp "1000..5000".
  void read_rate() {
    bench::ScheduleOptions& schedule = plan_.schedule;
    const std::string text = arguments_.value("rate").value_or("1000");
    const std::size_t dots = text.find("..");
    schedule.rate = number("rate", text.substr(0, dots), 0.1, kMostRate);
    const auto steps = whole("steps", 5, 2, 100);
    if (dots == std::string::npos) {
      if (arguments_.has("steps")) wrong("--steps is of a ramp", "--rate 1000..5000");
      return;
    }
    const double last = number("rate", text.substr(dots + 2), 0.1, kMostRate);
    for (std::uint64_t i = 0; i < steps; ++i) {
      schedule.steps.push_back(schedule.rate + (last - schedule.rate) * static_cast<double>(i) /
                                                   static_cast<double>(steps - 1));
    }
    schedule.rate = (schedule.rate + last) / 2;
  }

  void read_times() {
    bench::ScheduleOptions& schedule = plan_.schedule;
    const auto arms = static_cast<Nanos>(std::max<std::size_t>(1, plan_.arms.size()));
    const bool replay = schedule.arrivals == bench::Arrivals::kReplay;
    const Nanos once = std::max(kMillisecond, schedule.period) * arms;
    const Nanos measured =
        duration("duration", replay ? once : 10 * kSecond, replay ? 1 : 100 * kMillisecond);
    plan_.warmup = duration("warmup", 2 * kSecond, 0);
    schedule.duration = plan_.warmup + measured;
    schedule.warmup = plan_.warmup;
    const Nanos fitting = measured / (arms * kRoundsWanted);
    Nanos block = std::clamp(fitting, kShortestBlock, kLongestBlock);
    schedule.gap = plan_.arms.size() > 1 ? 10 * kMillisecond : 0;
    if (replay) block = schedule.period / std::max<Nanos>(1, schedule.period / block) + 1;
    schedule.block = duration("block", std::min(block, kLongestBlock), kMillisecond);
    const bool once_only = replay && !arguments_.has("duration");
    if (once_only) {
      // In whole rounds; the pauses between blocks come on top of what was recorded.
      const Nanos round = (schedule.block + schedule.gap) * arms;
      const Nanos pieces = (schedule.period + schedule.block - 1) / schedule.block;
      schedule.period = pieces * schedule.block;
      schedule.duration = ((plan_.warmup + round - 1) / round + pieces) * round;
    }
    if (!once_only && schedule.block * arms > measured) {
      wrong("--duration is too short for a block of each of the " + std::to_string(arms) + " arms",
            "a longer --duration or a shorter --block");
    }
    schedule.seed =
        arguments_.has("seed") ? whole("seed", 1, 0, ~std::uint64_t{0}) : std::random_device()();
    if (arguments_.has("shuffle")) {
      bench::Random random(schedule.seed);
      for (std::size_t i = schedule.order.size(); i > 1; --i) {
        std::swap(schedule.order[i - 1], schedule.order[random.below(i)]);
      }
    }
  }

  std::optional<std::string> content(const std::string& name, const char* what) {
    std::ifstream file(name, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (file) return text;
    wrong(what + (" " + printable(name)) + " cannot be read: " + std::strerror(errno), "");
    return std::nullopt;
  }

  void read_recording() {
    const auto name = arguments_.value("requests");
    for (const char* option : {"replay", "shuffle"}) {
      if (!name && arguments_.has(option)) {
        wrong("--" + std::string(option) + " is of recorded requests", "--requests FILE");
      }
    }
    if (!name) return;
    for (const char* option : {"method", "path", "body"}) {
      if (arguments_.has(option)) {
        wrong("--requests has no --" + std::string(option), "the recording says it");
      }
    }
    const auto text = content(*name, "the recording");
    if (!text) return;
    const std::size_t slash = name->rfind('/');
    auto read =
        bench::read_recording(*text, slash == std::string::npos ? "" : name->substr(0, slash + 1));
    if (!read) {
      Error error = std::move(read).error();
      error.where = printable(*name);
      errors_.push_back(std::move(error));
      return;
    }
    plan_.recording = std::move(*read);
    note_recording(*name);
    bench::ScheduleOptions& schedule = plan_.schedule;
    for (const auto& entry : plan_.recording->entries) schedule.order.push_back(entry.request);
    if (arguments_.has("replay")) read_replay();
  }

  void note_recording(const std::string& name) {
    const bench::Recording& recording = *plan_.recording;
    for (const std::string& one : recording.left_out) {
      plan_.notes.push_back(printable(name) + ": left out " + printable(one));
    }
    if (recording.left_out_count > recording.left_out.size()) {
      plan_.notes.push_back(printable(name) + ": left out " +
                            std::to_string(recording.left_out_count - recording.left_out.size()) +
                            " more");
    }
  }

  // "1x", "10x", "0.5x".
  void read_replay() {
    const std::string text = *arguments_.value("replay");
    const char* const end = text.data() + text.size();
    double speed = 0;
    const auto [at, failure] = std::from_chars(text.data(), end, speed);
    if (failure != std::errc() || std::string_view(at, end) != "x" || !(speed >= 1e-3) ||
        speed > 1e6) {
      wrong("--replay '" + printable(text) + "' is no speed", "1x, 10x, 0.5x");
      return;
    }
    for (const char* option : {"rate", "arrivals", "closed", "shuffle"}) {
      if (arguments_.has(option)) {
        wrong("--replay has no --" + std::string(option), "the recording's times say it");
      }
    }
    if (!plan_.recording->timed) {
      wrong("the recorded requests have no times, or all the same", "leave --replay out");
      return;
    }
    bench::ScheduleOptions& schedule = plan_.schedule;
    plan_.replay_speed = speed;
    schedule.arrivals = bench::Arrivals::kReplay;
    for (const auto& entry : plan_.recording->entries) {
      schedule.instants.push_back(static_cast<Nanos>(static_cast<double>(entry.at) / speed));
    }
    // Until the first one would come again: a mean distance behind the last.
    const auto count = static_cast<double>(schedule.instants.size());
    const double last = static_cast<double>(schedule.instants.back());
    schedule.period = static_cast<Nanos>(last * count / (count - 1)) + 1;
    schedule.rate = count * 1e9 / static_cast<double>(schedule.period);
  }

  void read_request() {
    for (const std::string& text : arguments_.values("body")) {
      if (!text.starts_with('@')) {
        plan_.bodies.push_back(text);
        continue;
      }
      plan_.bodies.push_back(content(text.substr(1), "the body").value_or(""));
    }
    if (plan_.websocket) {
      for (const char* option : {"method", "requests", "no-keep-alive"}) {
        if (arguments_.has(option)) {
          wrong("a WebSocket has no --" + std::string(option), "its messages are --body");
        }
      }
      if (plan_.bodies.empty()) plan_.bodies.emplace_back("a message of 32 bytes, as sent..");
    }
    plan_.method = arguments_.value("method").value_or(plan_.bodies.empty() ? "GET" : "POST");
    if (plan_.bodies.empty()) plan_.bodies.emplace_back();
    plan_.path = arguments_.value("path");
    for (const std::string& text : arguments_.values("header")) {
      const std::size_t colon = text.find(':');
      if (colon == std::string::npos) {
        wrong("--header '" + printable(text) + "' has no colon", "--header 'Name: value'");
        continue;
      }
      const std::size_t value = text.find_first_not_of(" \t", colon + 1);
      plan_.fields.emplace_back(text.substr(0, colon),
                                value == std::string::npos ? "" : text.substr(value));
    }
  }

  const Arguments& arguments_;
  std::vector<Error>& errors_;
  bench::Plan plan_;
};

}  // namespace

bench::Plan bench_plan(const Arguments& arguments, std::vector<Error>& errors,
                       std::vector<bench::ArmPlan> arms) {
  return PlanReader(arguments, errors).read(std::move(arms));
}

}  // namespace duet::cli
