#include "host/config/toml_guardrails.h"

#include <charconv>
#include <cmath>
#include <string>

#include "host/base/escape.h"
#include "host/config/toml_words.h"

namespace duet::config {
namespace {

using Type = TomlValue::Type;

constexpr Nanos kHour = 3600 * kSecond;

// "5%" as 0.05; nothing when it is none.
std::optional<double> parse_share(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  double percent = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  if (!(percent >= 0 && percent <= 100)) return std::nullopt;
  return percent / 100;
}

std::optional<double> share_of(const ReaderContext& context, std::string_view key,
                               const TomlValue& value, std::string_view example) {
  if (value.type == Type::kString) {
    if (const auto share = parse_share(value.string)) return share;
  }
  const std::string what = value.type == Type::kString ? "'" + printable(value.string) + "'"
                                                       : std::string(toml_type_name(value.type));
  context.error(
      value.place,
      "'" + std::string(key) + "' must be a percentage in quotes, 0% to 100%, not " + what,
      "write " + std::string(key) + " = " + std::string(example));
  return std::nullopt;
}

void read_guardrail(const ReaderContext& context, const TomlValue& value, Experiment& one) {
  Guardrail guardrail;
  TableReader table(context, value.entries, "[[experiment.guardrails]]", kGuardrailWords);
  int kinds = 0;
  if (const auto errors = table.flag("errors"); errors && *errors) ++kinds;
  const auto limit = [&](std::string_view key, Guardrail::Kind kind) {
    if (value.find(key) != nullptr) ++kinds;
    const auto duration = table.duration(key, kMillisecond / 1000, kHour, false);
    if (!duration) return;
    guardrail.kind = kind;
    guardrail.limit = *duration;
  };
  limit("slower_than", Guardrail::Kind::kSlowerThan);
  limit("cpu", Guardrail::Kind::kCpu);
  limit("loop_lag", Guardrail::Kind::kLoopLag);
  if (value.find("quantile") != nullptr) ++kinds;
  if (const auto p = read_number(context, table, "quantile", 0.9, 0.999, "0.99")) {
    guardrail.kind = Guardrail::Kind::kQuantile;
    guardrail.p = *p;
  }
  const TomlEntry* ratio_entry = value.find("ratio");
  if (const auto ratio = read_number(context, table, "ratio", 1, 100, "1.2")) {
    guardrail.ratio = *ratio;
  }
  if (const auto weight = read_share(context, table, "weight", "\"1%\"")) {
    guardrail.weight = *weight;
  }
  table.finish();
  if (kinds != 1) {
    context.error(
        value.place,
        kinds == 0 ? "a guardrail must say what it watches" : "a guardrail watches one thing",
        "errors = true, slower_than = \"250ms\", quantile = 0.99, cpu = \"5ms\" or "
        "loop_lag = \"20ms\"; write [[experiment.guardrails]] once for each");
    return;
  }
  if (ratio_entry != nullptr && guardrail.kind != Guardrail::Kind::kQuantile) {
    context.error(ratio_entry->value.place, "'ratio' belongs to a quantile", "remove it");
  }
  one.guardrails.push_back(guardrail);
}

void read_ramp(const ReaderContext& context, const TomlEntry& entry, Experiment& one) {
  TableReader table(context, entry.value.entries, "[experiment.ramp]", kRampWords);
  const TomlEntry* steps = table.take("steps");
  constexpr std::string_view kExample = "[\"1%\", \"5%\", \"25%\", \"50%\"]";
  if (steps == nullptr || steps->value.type != Type::kArray || steps->value.items.empty()) {
    context.error(steps == nullptr ? entry.place : steps->value.place,
                  "[experiment.ramp] has no list of 'steps'",
                  "write steps = " + std::string(kExample));
  } else {
    const auto others = static_cast<double>(one.variants.size()) - 1;
    for (const TomlValue& item : steps->value.items) {
      const auto share = share_of(context, "steps", item, kExample);
      if (!share) continue;
      if (*share <= (one.ramp.steps.empty() ? 0 : one.ramp.steps.back())) {
        context.error(item.place, "the steps of the ramp must ascend",
                      "write steps = " + std::string(kExample));
      } else if (others > 0 && *share * others > 1 + 1e-9) {
        context.error(item.place,
                      "this step gives " + std::to_string(one.variants.size() - 1) +
                          " variants more than 100% together",
                      "a step is the share of each variant other than the control");
      }
      one.ramp.steps.push_back(*share);
    }
  }
  if (const auto t = table.duration("least_time", kMillisecond, 24 * kHour, true)) {
    one.ramp.least_time = *t;
  }
  if (const auto margin = read_number(context, table, "ratio_margin", 0.01, 10, "0.5")) {
    one.ramp.ratio_margin = *margin;
  }
  if (const auto margin = read_share(context, table, "rate_margin", "\"1%\"")) {
    one.ramp.rate_margin = *margin;
  }
  table.finish();
}

}  // namespace

std::optional<double> read_share(const ReaderContext& context, TableReader& table,
                                 std::string_view key, std::string_view example) {
  const TomlEntry* entry = table.take(key);
  if (entry == nullptr) return std::nullopt;
  return share_of(context, key, entry->value, example);
}

std::optional<double> read_number(const ReaderContext& context, TableReader& table,
                                  std::string_view key, double least, double most,
                                  std::string_view example) {
  const TomlEntry* entry = table.take(key);
  if (entry == nullptr) return std::nullopt;
  const TomlValue& value = entry->value;
  if (value.type != Type::kInteger && value.type != Type::kFloat) {
    context.error(value.place,
                  "'" + std::string(key) + "' in " + table.name() + " must be a number, not " +
                      std::string(toml_type_name(value.type)),
                  "write " + std::string(key) + " = " + std::string(example));
    return std::nullopt;
  }
  const double number =
      value.type == Type::kInteger ? static_cast<double>(value.integer) : value.floating;
  if (number >= least && number <= most) return number;
  const auto shown = [](double x) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, x);
    return std::string(text, end.ptr);
  };
  context.error(value.place, "'" + std::string(key) + "' is out of range: " + shown(number),
                shown(least) + " to " + shown(most) + " is allowed");
  return std::nullopt;
}

void read_guardrails(const ReaderContext& context, TableReader& table, Experiment& one) {
  if (const auto alpha = read_number(context, table, "alpha", 1e-6, 0.5, "0.05")) {
    one.alpha = *alpha;
  }
  const TomlEntry* entry = table.take("guardrails");
  if (entry != nullptr && entry->value.type != Type::kArray) {
    context.error(entry->place, "guardrails are a list of tables",
                  "write [[experiment.guardrails]] with double brackets, once for each");
  } else if (entry != nullptr) {
    for (const TomlValue& item : entry->value.items) {
      if (item.type == Type::kTable) {
        read_guardrail(context, item, one);
      } else {
        context.error(item.place,
                      "a guardrail must be a table, not " + std::string(toml_type_name(item.type)),
                      "write [[experiment.guardrails]] once for each");
      }
    }
  } else {
    one.guardrails.push_back({});  // nobody wants a variant that fails
  }
  const TomlEntry* ramp = table.table("ramp");
  if (ramp != nullptr) read_ramp(context, *ramp, one);
}

}  // namespace duet::config
