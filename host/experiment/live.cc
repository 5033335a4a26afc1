#include "host/experiment/live.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <ctime>
#include <span>
#include <utility>

#include "host/base/check.h"
#include "host/base/split_mix.h"
#include "host/experiment/request_key.h"

namespace duet::experiment {

namespace {

constexpr std::size_t kMostAudit = 200;
// A key that none of so many requests carries is a mistake, not a coincidence.
constexpr std::uint64_t kUnkeyedReported = 100;
// Wall clocks jump: what they say is looked at this often, in monotonic time.
constexpr Nanos kSchedulePeriod = kSecond;
// The evidence on quantiles does not act, and costs some hundred microseconds.
constexpr Nanos kQuantilePeriod = kSecond;
// A failing variant is looked at this often at most, beside the usual times.
constexpr Nanos kUrgentPeriod = kMillisecond;

double wall_seconds() { return static_cast<double>(wall_now()) * 1e-9; }

std::uint64_t seed() {
  std::uint64_t value = 0;
  if (getrandom(&value, sizeof value, 0) != sizeof value) value = static_cast<std::uint64_t>(now());
  return value;
}

}  // namespace

Result<std::unique_ptr<Live>> Live::create(LiveSpec spec, double (*wall)()) {
  auto experiment = Experiment::create(spec.spec);
  if (!experiment) return std::move(experiment).error();
  DUET_CHECK(spec.variants.size() == spec.spec.variants.size());
  return std::unique_ptr<Live>(new Live(std::move(spec), std::move(experiment).value(),
                                        wall != nullptr ? wall : wall_seconds));
}

Live::Live(LiveSpec spec, Experiment experiment, double (*wall)())
    : random_(seed()),
      variants_(spec.variants.size()),
      experiment_(std::move(experiment)),
      spec_(std::move(spec)),
      wall_(wall) {
  stage_began();
  find_conditions();
  if (spec_.start || spec_.end) check_schedule(0);
}

void Live::find_conditions() {
  conditional_ = spec_.start || spec_.end || !spec_.override_header.empty() ||
                 !spec_.methods.empty() || !spec_.header.empty() || !pins_.empty();
}

// --- the path of a request ---------------------------------------------------------------------

void Live::check_schedule(Nanos now) {
  check_schedule_at_ = now + kSchedulePeriod;
  const double at = wall_();
  const Schedule before = schedule_;
  schedule_ = spec_.start && at < *spec_.start ? Schedule::kBefore
              : spec_.end && at >= *spec_.end  ? Schedule::kAfter
                                               : Schedule::kDuring;
  if (schedule_ == before || now == 0) return;
  audit("schedule", schedule_ == Schedule::kDuring
                        ? fmt::format("experiment '{}' begins", spec_.spec.name)
                        : fmt::format("experiment '{}' is {}: everybody gets '{}'", spec_.spec.name,
                                      schedule_ == Schedule::kAfter ? "at its end" : "not due yet",
                                      spec_.spec.variants[spec_.spec.control]));
}

inline bool Live::eligible(const http::RequestHead& head) const {
  if (!spec_.methods.empty() && std::find(spec_.methods.begin(), spec_.methods.end(),
                                          head.method_text()) == spec_.methods.end()) {
    return false;
  }
  if (spec_.header.empty()) return true;
  const std::string_view value = head.get(spec_.header);
  return value.data() != nullptr && (spec_.header_value.empty() || value == spec_.header_value);
}

std::optional<std::size_t> Live::asked_for(const http::RequestHead& head) const {
  if (spec_.override_header.empty()) return std::nullopt;
  const std::string_view name = head.get(spec_.override_header);
  for (std::size_t v = 0; v < variants_.size(); ++v) {
    if (spec_.spec.variants[v] == name && variants_[v].unavailable.empty()) return v;
  }
  return std::nullopt;
}

std::optional<std::size_t> Live::pinned_to(std::string_view key) const {
  const auto pinned = pins_.find(key);
  if (pinned == pins_.end() || !variants_[pinned->second].unavailable.empty()) return std::nullopt;
  return pinned->second;
}

// The new key, within `set_cookie`.
std::string_view Live::new_visitor(std::unique_ptr<std::string>& set_cookie) {
  std::uint64_t id[2];
  if (getrandom(id, sizeof id, 0) != sizeof id) {
    for (std::uint64_t& part : id) part = split_mix(random_);
  }
  constexpr std::size_t kDigits = 32;
  std::string field = fmt::format("Set-Cookie: {}={:016x}{:016x}", spec_.key_name, id[0], id[1]);
  const std::size_t end = field.size();
  field += *spec_.cookie_attributes + "\r\n";
  set_cookie = std::make_unique<std::string>(std::move(field));
  return std::string_view(*set_cookie).substr(end - kDigits, kDigits);
}

inline std::string_view Live::find_key(const http::RequestHead& head,
                                       std::string_view remote_address,
                                       std::unique_ptr<std::string>& set_cookie) {
  switch (spec_.key) {
    case KeySource::kCookie: {
      const std::string_view key = cookie_of(head, spec_.key_name);
      return key.empty() && spec_.cookie_attributes ? new_visitor(set_cookie) : key;
    }
    case KeySource::kHeader:
      return head.get(spec_.key_name);
    case KeySource::kQuery:
      return parameter_of(head.query(), spec_.key_name);
    case KeySource::kAddress:
      return remote_address;
    case KeySource::kRandom:
      break;
  }
  return {};
}

Experiment::Assigned Live::assign_random() {
  const std::uint64_t bits = split_mix(random_);
  if (experiment_.everybody_takes_part()) return experiment_.assign_random(bits);
  char fresh[16];
  for (int i = 0; i < 16; ++i) fresh[i] = "0123456789abcdef"[(bits >> (4 * i)) & 15];
  return experiment_.assign({fresh, sizeof fresh});
}

Live::Choice Live::choose(const http::RequestHead& head, std::string_view remote_address,
                          Nanos arrival, std::string_view& key,
                          std::unique_ptr<std::string>& set_cookie) {
  ++revision_;
  active_ = true;
  if (conditional_) {
    if ((spec_.start || spec_.end) && arrival >= check_schedule_at_) check_schedule(arrival);
    if (const auto asked = asked_for(head)) {
      ++overridden_;
      return {*asked, false, 0};
    }
  }
  key = find_key(head, remote_address, set_cookie);
  const bool has_key = spec_.key == KeySource::kRandom || !key.empty();
  if (conditional_) {
    if (const auto pinned = has_key ? pinned_to(key) : std::nullopt) {
      ++overridden_;
      return {*pinned, false, 0};
    }
    if (schedule_ != Schedule::kDuring || !eligible(head)) {
      ++excluded_;
      return {spec_.spec.control, false, 0};
    }
  }
  if (!has_key) {
    ++unkeyed_;
    return {experiment_.promoted().value_or(spec_.spec.control), false, 0};
  }
  ++keyed_;
  const Experiment::Assigned assigned =
      spec_.key == KeySource::kRandom ? assign_random() : experiment_.assign(key);
  if (!assigned.counted) {
    if (experiment_.running()) ++excluded_;
    return {assigned.variant, false, 0};
  }
  if (!first_request_) first_request_ = wall_();
  ++variants_[assigned.variant].in_flight;
  return {assigned.variant, true, experiment_.started(assigned, arrival)};
}

void Live::count_ended() {
  if (uncounted_ == 0) return;
  for (const Ended& one : std::span(ended_).first(std::exchange(uncounted_, 0))) {
    const Ending& ending = one.ending;
    OfVariant& variant = variants_[one.variant];
    --variant.in_flight;
    variant.stage_total.record(ending.total);
    variant.errors += ending.failed;
    variant.runs.add(ending.cpu);
    if (ending.failed && one.variant != spec_.spec.control) urgent_ = true;
    experiment_.ended(one.ticket, ending);
  }
  experiment_.judge();
}

// --- judging -----------------------------------------------------------------------------------

std::vector<Decision> Live::look(Nanos now) {
  if (urgent_ && now - looked_at_ < kUrgentPeriod) return {};
  count_ended();
  urgent_ = false;
  active_ = false;
  ++revision_;
  looked_at_ = now;
  std::vector<Decision> decisions = experiment_.look(now);
  for (const Decision& decision : decisions) {
    audit(decision.kind == Decision::Kind::kRolledBack   ? "guardrail"
          : decision.kind == Decision::Kind::kWrongSplit ? "host"
                                                         : "ramp",
          decision.sentence);
  }
  if (!unkeyed_reported_ && keyed_ == 0 && unkeyed_ >= kUnkeyedReported) {
    unkeyed_reported_ = true;
    decisions.push_back(
        {Decision::Kind::kNoKey, "", "",
         fmt::format("experiment '{}': none of the first {} requests has its key ({}): all of them "
                     "get '{}'",
                     spec_.spec.name, unkeyed_, spec_.key_text(),
                     spec_.spec.variants[spec_.spec.control])});
    audit("host", decisions.back().sentence);
  }
  stage_began();
  if (now - quantiles_at_ >= kQuantilePeriod) {
    quantiles_at_ = now;
    const double alpha = spec_.spec.alpha / static_cast<double>(variants_.size() - 1);
    for (std::size_t v = 0; v < variants_.size(); ++v) {
      if (v == spec_.spec.control) continue;
      variants_[v].quantiles.look(variants_[spec_.spec.control].stage_total,
                                  variants_[v].stage_total, alpha);
    }
  }
  return decisions;
}

// When the shares are others than before, quantiles begin afresh.
void Live::stage_began() {
  count_ended();
  std::vector<double> shares;
  for (std::size_t v = 0; v < variants_.size(); ++v) shares.push_back(experiment_.split().share(v));
  if (shares == stage_shares_) return;
  stage_shares_ = std::move(shares);
  for (OfVariant& variant : variants_) {
    variant.before.merge(variant.stage_total);
    variant.stage_total.reset();
    variant.quantiles.reset();
  }
}

// --- an operator's word ------------------------------------------------------------------------

void Live::audit(std::string who, std::string what) {
  ++revision_;
  audit_.push_back({wall_(), std::move(who), std::move(what)});
  if (audit_.size() <= kMostAudit) return;
  audit_.pop_front();
  if (audit_taken_ > 0) --audit_taken_;
}

Decision Live::told(Decision decision, const std::string& who) {
  audit(who, decision.sentence);
  stage_began();
  return decision;
}

Result<std::size_t> Live::variant_called(std::string_view name) const {
  const auto& names = spec_.spec.variants;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string all;
  for (const std::string& one : names) all += (all.empty() ? "" : ", ") + one;
  return Error{fmt::format("experiment '{}' has no variant '{}'", spec_.spec.name, name),
               {},
               "variants are " + all,
               {}};
}

Result<Decision> Live::start(const std::string& who) {
  if (experiment_.running()) {
    const std::string state = state_name();
    return Error{fmt::format("experiment '{}' is {}", spec_.spec.name, state),
                 {},
                 state == "running" ? "stop it first, or change its shares: ramp"
                                    : "its 'start' and 'end' in duet.toml say so",
                 {}};
  }
  return told(experiment_.start(), who);
}

Decision Live::stop(const std::string& who) { return told(experiment_.stop(), who); }

Result<Decision> Live::promote(std::string_view name, const std::string& who) {
  const auto variant = variant_called(name);
  if (!variant) return variant.error();
  auto decision = experiment_.promote(*variant);
  if (!decision) return decision;
  return told(std::move(decision).value(), who);
}

Result<Decision> Live::ramp(std::optional<double> share, const std::string& who) {
  if (!share) {
    auto decision = experiment_.ramp(experiment_.step());
    if (!decision) return decision;
    return told(std::move(decision).value(), who);
  }
  const double others = static_cast<double>(variants_.size() - 1);
  if (!(*share >= 0) || *share * others > 1 + 1e-9) {
    return Error{
        others == 1
            ? fmt::format("{:.6g}% is not between 0% and 100%", 100 * *share)
            : fmt::format("{:.6g}% for each of {} variants is not between 0% and 100% together",
                          100 * *share, variants_.size() - 1),
        {},
        "the share is that of each variant other than the control",
        {}};
  }
  std::vector<double> weights(variants_.size(), *share);
  weights[spec_.spec.control] = std::max(0.0, 1 - *share * others);
  auto decision = experiment_.set_weights(weights);
  if (!decision) return decision;
  return told(std::move(decision).value(), who);
}

Result<Decision> Live::pin(const std::string& key, std::optional<std::string_view> name,
                           const std::string& who) {
  if (spec_.key == KeySource::kRandom) {
    return Error{fmt::format("experiment '{}' has no keys to pin: each request gets a fresh one",
                             spec_.spec.name),
                 {},
                 "ask for a variant by the header of allow_override",
                 {}};
  }
  Decision decision;
  if (name) {
    const auto variant = variant_called(*name);
    if (!variant) return variant.error();
    pins_[key] = *variant;
    decision.sentence =
        fmt::format("experiment '{}': key '{}' always gets '{}'", spec_.spec.name, key, *name);
  } else if (pins_.erase(key) == 0) {
    return Error{fmt::format("experiment '{}' has not pinned the key '{}'", spec_.spec.name, key),
                 {},
                 {},
                 {}};
  } else {
    decision.sentence =
        fmt::format("experiment '{}': key '{}' is pinned no more", spec_.spec.name, key);
  }
  find_conditions();
  return told(std::move(decision), who);
}

Result<Decision> Live::withdraw(std::size_t variant, const std::string& why) {
  if (auto done = experiment_.withdraw(variant); !done) return done.error();
  variants_[variant].unavailable = why;
  Decision decision;
  decision.variant = spec_.spec.variants[variant];
  decision.sentence =
      fmt::format("experiment '{}': '{}' cannot answer, so '{}' gets its share: {}",
                  spec_.spec.name, decision.variant, spec_.spec.variants[spec_.spec.control], why);
  return told(std::move(decision), "host");
}

}  // namespace duet::experiment
