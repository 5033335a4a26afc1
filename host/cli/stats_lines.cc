#include "host/cli/stats_lines.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "host/base/escape.h"
#include "host/base/result.h"
#include "host/config/suggest.h"
#include "host/stats/kernel.h"
#include "host/stats/mean.h"
#include "host/stats/quantile.h"

namespace duet::cli {

namespace {

using Json = nlohmann::json;

// What an argument may be.
enum class Kind { kCount, kPositive, kNotNegative, kAtLeastOne, kShare, kCounts, kWeights };

constexpr double kMostCounts = 9007199254740992.0;  // 2^53: beyond, doubles skip whole numbers

const char* meaning(Kind kind) {
  switch (kind) {
    case Kind::kCount:
      return "a whole number from 0 to 2^53";
    case Kind::kPositive:
      return "a number above 0";
    case Kind::kNotNegative:
      return "a number, 0 or above";
    case Kind::kAtLeastOne:
      return "a number, 1 or above";
    case Kind::kShare:
      return "a number between 0 and 1, both excluded";
    case Kind::kCounts:
      return "a list of whole numbers from 0 on that add up to at most 2^53";
    case Kind::kWeights:
      return "a list of numbers above 0";
  }
  return "";
}

bool is_list(Kind kind) { return kind == Kind::kCounts || kind == Kind::kWeights; }

bool fits(double value, Kind kind) {
  switch (kind) {
    case Kind::kCount:
    case Kind::kCounts:
      return value >= 0 && value <= kMostCounts && value == std::floor(value);
    case Kind::kPositive:
    case Kind::kWeights:
      return value > 0;
    case Kind::kNotNegative:
      return value >= 0;
    case Kind::kAtLeastOne:
      return value >= 1;
    case Kind::kShare:
      return value > 0 && value < 1;
  }
  return false;
}

struct Argument {
  std::string_view name;
  Kind kind;
};

// Values in the order of the function's arguments; a scalar is a list of one.
using Values = std::vector<std::vector<double>>;

struct Function {
  std::string_view name;
  std::string_view symbol;  // what the formula calls its result
  std::span<const Argument> arguments;
  const char* (*conflict)(const Values&);  // what is wrong between arguments; null: nothing
  double (*evaluate)(const Values&);
};

constexpr Argument kLogE[] = {
    {"k", Kind::kCount}, {"n", Kind::kCount}, {"theta", Kind::kShare}, {"c", Kind::kPositive}};
constexpr Argument kLogEMulti[] = {
    {"counts", Kind::kCounts}, {"weights", Kind::kWeights}, {"c", Kind::kPositive}};
constexpr Argument kConcentration[] = {{"t_opt", Kind::kPositive}, {"alpha", Kind::kShare}};
constexpr Argument kUniformRadius[] = {{"t", Kind::kAtLeastOne}, {"alpha", Kind::kShare}};
constexpr Argument kMeanHalfwidth[] = {{"n", Kind::kPositive},
                                       {"se", Kind::kNotNegative},
                                       {"alpha", Kind::kShare},
                                       {"n_star", Kind::kPositive}};
constexpr Argument kQuantileLogE[] = {
    {"a", Kind::kCounts}, {"b", Kind::kCounts}, {"p", Kind::kShare}, {"c", Kind::kPositive}};

const Function kFunctions[] = {
    {"log_e", "log_e", kLogE,
     [](const Values& v) -> const char* { return v[0][0] > v[1][0] ? "k is above n" : nullptr; },
     [](const Values& v) { return stats::log_e(v[0][0], v[1][0], v[2][0], v[3][0]); }},
    {"log_e_multi", "log_e", kLogEMulti,
     [](const Values& v) -> const char* {
       if (v[0].size() != v[1].size()) return "counts and weights differ in length";
       return v[0].size() < 2 ? "there are fewer than two arms" : nullptr;
     },
     [](const Values& v) { return stats::log_e_multi(v[0], v[1], v[2][0]); }},
    {"concentration", "c", kConcentration, nullptr,
     [](const Values& v) { return stats::concentration(v[0][0], v[1][0]); }},
    {"uniform_radius", "radius", kUniformRadius, nullptr,
     [](const Values& v) { return stats::uniform_radius(v[0][0], v[1][0]); }},
    {"mean_halfwidth", "halfwidth", kMeanHalfwidth, nullptr,
     [](const Values& v) { return stats::mean_halfwidth(v[0][0], v[1][0], v[2][0], v[3][0]); }},
    {"quantile_log_e", "log_e", kQuantileLogE,
     [](const Values& v) -> const char* {
       if (v[0].size() != v[1].size()) return "a and b differ in length";
       return v[0].empty() ? "there are no buckets" : nullptr;
     },
     [](const Values& v) { return stats::quantile_log_e(v[0], v[1], v[2][0], v[3][0]); }},
};

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;  // of a word that may be anything
  return "'" + printable(text.substr(0, kShown)) + (text.size() > kShown ? "…'" : "'");
}

template <class Range, class Name>
std::vector<std::string_view> names_of(const Range& range, Name name) {
  std::vector<std::string_view> names;
  for (const auto& each : range) names.push_back(name(each));
  return names;
}

Error unknown(std::string_view what, std::string_view word,
              const std::vector<std::string_view>& names) {
  std::string hint = config::did_you_mean(word, names);
  if (hint.empty()) hint = "there is " + config::one_of(names);
  return {std::string(what) + " " + quoted(word), {}, std::move(hint), {}};
}

Result<const Function*> find_function(const Json& line) {
  const auto names = names_of(kFunctions, [](const Function& f) { return f.name; });
  const auto given = line.find("fn");
  if (given == line.end()) {
    return Error{"the argument 'fn' is missing", {}, "there is " + config::one_of(names), {}};
  }
  if (!given->is_string()) return Error{"fn must be a text", {}, {}, {}};
  const std::string& name = given->get_ref<const std::string&>();
  for (const Function& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return unknown("unknown fn", name, names);
}

// The number(s) of one argument.
Result<std::vector<double>> read(const Json& value, const Argument& argument) {
  const Error wrong{std::string(argument.name) + " must be " + meaning(argument.kind), {}, {}, {}};
  std::vector<double> numbers;
  double sum = 0;
  if (value.is_array() != is_list(argument.kind)) return wrong;
  const auto add = [&](const Json& item) {
    if (!item.is_number()) return false;
    numbers.push_back(item.get<double>());
    sum += numbers.back();
    return std::isfinite(numbers.back()) && fits(numbers.back(), argument.kind);
  };
  if (!value.is_array()) {
    if (!add(value)) return wrong;
    return numbers;
  }
  for (const Json& item : value) {
    if (!add(item)) return wrong;
  }
  if (argument.kind == Kind::kCounts && sum > kMostCounts) return wrong;
  return numbers;
}

Result<std::string> evaluate(std::string_view line) {
  Json parsed;
  try {
    parsed = Json::parse(line);
  } catch (const Json::exception& wrong) {
    std::string_view why = wrong.what();  // "[json.exception.parse_error.101] parse error at …"
    why.remove_prefix(std::min(why.find("] ") + 2, why.size()));
    return Error{"this line is not JSON: " + std::string(why), {}, {}, {}};
  }
  if (!parsed.is_object()) {
    return Error{"this line is not a JSON object", {}, R"(write {"fn":"log_e", …})", {}};
  }
  const auto function = find_function(parsed);
  if (!function) return function.error();
  const Function& f = **function;
  const auto argument_names = names_of(f.arguments, [](const Argument& a) { return a.name; });
  for (const auto& [key, value] : parsed.items()) {
    if (key == "fn") continue;
    bool known = false;
    for (const Argument& argument : f.arguments) known = known || argument.name == key;
    if (!known) return unknown(std::string(f.name) + ": unknown argument", key, argument_names);
  }
  Values values;
  for (const Argument& argument : f.arguments) {
    const auto given = parsed.find(argument.name);
    if (given == parsed.end()) {
      return Error{
          std::string(f.name) + ": the argument '" + std::string(argument.name) + "' is missing",
          {},
          std::string(argument.name) + " is " + meaning(argument.kind),
          {}};
    }
    auto numbers = read(*given, argument);
    if (!numbers) return Error{std::string(f.name) + ": " + numbers.error().message, {}, {}, {}};
    values.push_back(std::move(numbers).value());
  }
  if (const char* conflict = f.conflict == nullptr ? nullptr : f.conflict(values)) {
    return Error{std::string(f.name) + ": " + conflict, {}, {}, {}};
  }
  const double result = f.evaluate(values);
  if (!std::isfinite(result)) {
    return Error{std::string(f.name) + ": the result is not a finite number", {}, {}, {}};
  }
  std::array<char, 40> number;
  std::snprintf(number.data(), number.size(), "%.17g", result);
  // Under the function's name, and under the formula's own where that is another.
  std::string answer = "{\"" + std::string(f.name) + "\":" + number.data();
  if (f.symbol != f.name) answer += ",\"" + std::string(f.symbol) + "\":" + number.data();
  return answer + "}";
}

}  // namespace

std::string answer_stats_line(std::string_view line) {
  auto answer = evaluate(line);
  if (answer) return std::move(answer).value();
  std::string text = "{\"error\":";
  append_json_string(text, answer.error().to_string());
  return text + "}";
}

}  // namespace duet::cli
