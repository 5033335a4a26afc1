#include "host/cli/lab_claimed.h"

#include <charconv>
#include <optional>

#include "host/base/escape.h"
#include "host/config/values.h"

namespace duet::cli {

namespace {

// What is claimed is a round number: an interval that holds it agrees with it when it goes no
// further than by this factor.
constexpr double kNear = 1.5;
// And so does one that lies within a tenth of it, however narrow: "twice" is no 1.98 refuted.
constexpr double kRound = 1.1;

struct Quantity {
  Claimed::Unit unit;
  double value;
};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<Quantity> parse_quantity(std::string_view text) {
  text = trimmed(text);
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || !(value >= 0) || value > 1e15) return std::nullopt;
  const std::string_view rest(end, text.data() + text.size());
  if (rest == "x") return Quantity{Claimed::Unit::kRatio, value};
  if (rest.empty()) return Quantity{Claimed::Unit::kNumber, value};
  if (rest == "k") return Quantity{Claimed::Unit::kNumber, 1000 * value};
  const auto time = config::parse_duration(text);
  if (!time) return std::nullopt;
  return Quantity{Claimed::Unit::kTime, static_cast<double>(*time)};
}

}  // namespace

Result<Claimed> parse_claimed(std::string_view text) {
  const Error error{"'" + printable(text) + "' is nothing that can be claimed of a figure",
                    {},
                    "write \"3x\", \"2x..10x\", \"> 1x\", \"< 20ms\" or \"15k\"",
                    {}};
  Claimed claimed;
  claimed.text = trimmed(text);
  const std::string_view all = claimed.text;
  const bool below = all.starts_with('<'), above = all.starts_with('>');
  const std::size_t dots = all.find("..");
  if (!below && !above && dots != std::string_view::npos) {
    const auto low = parse_quantity(all.substr(0, dots));
    const auto high = parse_quantity(all.substr(dots + 2));
    if (!low || !high || low->unit != high->unit || low->value >= high->value) return error;
    claimed.unit = low->unit;
    claimed.low = low->value;
    claimed.high = high->value;
    return claimed;
  }
  const auto one = parse_quantity(below || above ? all.substr(1) : all);
  if (!one) return error;
  claimed.unit = one->unit;
  if (!below) claimed.low = one->value;
  if (!above) claimed.high = one->value;
  if (claimed.unit == Claimed::Unit::kTime && below) {
    claimed.low = -std::numeric_limits<double>::infinity();
  }
  return claimed;
}

Finding judge(const Claimed& claimed, const stats::BlockInterval& interval, bool compared) {
  const bool point = claimed.low == claimed.high;
  const double least = point ? claimed.low / kRound : claimed.low;
  const double most = point ? claimed.high * kRound : claimed.high;
  const bool inside = interval.low >= least && interval.high <= most;
  const bool apart = interval.high < least || interval.low > most;
  const double none = claimed.unit == Claimed::Unit::kRatio ? 1 : 0;
  const bool holds_none = compared && interval.low <= none && none <= interval.high;
  // A wide interval that holds the number claimed, among many others, says nothing.
  const bool near = point && interval.low <= claimed.low && interval.high >= claimed.high &&
                    interval.low >= claimed.low / kNear && interval.high <= claimed.high * kNear;
  if (inside || near) return Finding::kHolds;
  if (!apart) return Finding::kCannotTell;
  // "At most 1.1 times" is no direction: it has "no difference" inside. "> 1x" has it at its end.
  const bool direction =
      compared && (claimed.low >= none || claimed.high <= none) && !(point && claimed.low == none);
  if (!direction) return Finding::kFails;
  if (holds_none) return Finding::kNoDifference;
  const bool claims_more = claimed.low >= none;
  if (claims_more != (interval.low > none)) return Finding::kReverse;
  const bool further = claims_more ? interval.low > claimed.high : interval.high < claimed.low;
  return further ? Finding::kMore : Finding::kLess;
}

std::string_view finding_words(Finding finding) {
  switch (finding) {
    case Finding::kHolds:
      return "as claimed";
    case Finding::kMore:
      return "more than claimed";
    case Finding::kLess:
      return "in that direction, but less than claimed";
    case Finding::kNoDifference:
      return "no difference to be seen";
    case Finding::kReverse:
      return "the other way round";
    case Finding::kFails:
      return "not as claimed";
    default:
      return "cannot tell";
  }
}

std::string_view finding_name(Finding finding) {
  constexpr std::string_view kNames[] = {"holds",   "more",  "less",       "no_difference",
                                         "reverse", "fails", "cannot_tell"};
  return kNames[static_cast<std::size_t>(finding)];
}

}  // namespace duet::cli
