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

  bench::Plan read() {
    read_arms();
    read_load();
    read_times();
    read_request();
    plan_.schedule.arms = static_cast<std::uint16_t>(plan_.arms.size());
    plan_.schedule.texts.assign(plan_.arms.size(), static_cast<std::uint32_t>(plan_.bodies.size()));
    return std::move(plan_);
  }

 private:
  void wrong(std::string message, std::string hint) {
    errors_.push_back({std::move(message), {}, std::move(hint), {}});
  }

  // A number with an optional k (thousand) behind it.
  double number(std::string_view option, double otherwise, double least, double most) {
    const auto text = arguments_.value(option);
    if (!text) return otherwise;
    std::string_view digits = *text;
    const bool thousands = digits.ends_with('k');
    if (thousands) digits.remove_suffix(1);
    double value = 0;
    const auto [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    value *= thousands ? 1000 : 1;
    if (digits.empty() || failure != std::errc() || end != digits.data() + digits.size() ||
        !(value >= least && value <= most)) {
      wrong("--" + std::string(option) + " '" + printable(*text) + "' is no such number",
            "from " + shown(least) + " to " + shown(most));
      return otherwise;
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
    if (!text) return otherwise;
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (text->empty() || failure != std::errc() || end != text->data() + text->size() ||
        value < least || value > most) {
      wrong("--" + std::string(option) + " '" + printable(*text) + "' is no such number",
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

  void add_arm(std::string name, std::string target, bench::ArmPlan::Kind kind) {
    const auto taken = [this](const std::string& other) {
      return std::any_of(plan_.arms.begin(), plan_.arms.end(),
                         [&](const bench::ArmPlan& arm) { return arm.name == other; });
    };
    const std::string base = name;
    for (int number = 2; taken(name); ++number) name = base + "#" + std::to_string(number);
    plan_.arms.push_back({std::move(name), std::move(target), kind});
  }

  // [NAME=]TARGET; a name has no character that a file or URL needs before its first '='.
  void read_arms() {
    for (const std::string& word : arguments_.positional()) {
      const std::size_t equals = word.find('=');
      const bool named =
          equals != std::string::npos && equals > 0 && word.find_first_of("/:?.", 0) > equals;
      std::string target = named ? word.substr(equals + 1) : word;
      if (target.empty()) wrong("'" + printable(word) + "' names nothing to measure", "");
      const bool url = target.starts_with("http://") || target.starts_with("https://");
      std::string name = named ? word.substr(0, equals) : word;
      if (!named && !url) name = word.substr(word.rfind('/') + 1);
      add_arm(std::move(name), std::move(target),
              url ? bench::ArmPlan::Kind::kUrl : bench::ArmPlan::Kind::kHandler);
    }
    for (const std::string& text : arguments_.values("command")) read_command(text);
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
    if (!named) {  // the program, without its folder and the variables before it
      std::istringstream words(command);
      while (words >> name && name.find('=') != std::string::npos) {
      }
      name = name.substr(name.rfind('/') + 1);
    }
    add_arm(std::move(name), std::move(command), bench::ArmPlan::Kind::kCommand);
  }

  void read_load() {
    bench::ScheduleOptions& schedule = plan_.schedule;
    const std::string arrivals = arguments_.value("arrivals").value_or("poisson");
    schedule.rate = number("rate", 1000, 0.1, kMostRate);
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
    generator.patience = duration("patience", 10 * kSecond, 10 * kMillisecond);
  }

  void read_times() {
    bench::ScheduleOptions& schedule = plan_.schedule;
    const auto arms = static_cast<Nanos>(std::max<std::size_t>(1, plan_.arms.size()));
    const Nanos measured = duration("duration", 10 * kSecond, 100 * kMillisecond);
    plan_.warmup = duration("warmup", 2 * kSecond, 0);
    schedule.duration = plan_.warmup + measured;
    const Nanos fitting = measured / (arms * kRoundsWanted);
    schedule.block =
        duration("block", std::clamp(fitting, kShortestBlock, kLongestBlock), kMillisecond);
    schedule.gap = plan_.arms.size() > 1 ? 10 * kMillisecond : 0;
    if (schedule.block * arms > measured) {
      wrong("--duration is too short for a block of each of the " + std::to_string(arms) + " arms",
            "a longer --duration or a shorter --block");
    }
    schedule.seed =
        arguments_.has("seed") ? whole("seed", 1, 0, ~std::uint64_t{0}) : std::random_device()();
  }

  void read_request() {
    for (const std::string& text : arguments_.values("body")) {
      if (!text.starts_with('@')) {
        plan_.bodies.push_back(text);
        continue;
      }
      std::ifstream file(text.substr(1), std::ios::binary);
      std::string body{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
      if (!file) {
        wrong("the body " + printable(text.substr(1)) + " cannot be read: " + std::strerror(errno),
              "");
      }
      plan_.bodies.push_back(std::move(body));
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

bench::Plan bench_plan(const Arguments& arguments, std::vector<Error>& errors) {
  return PlanReader(arguments, errors).read();
}

}  // namespace duet::cli
