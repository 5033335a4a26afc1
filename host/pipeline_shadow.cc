#include "host/pipeline_shadow.h"

#include <algorithm>
#include <utility>

#include "host/base/check.h"

namespace duet {

using experiment::ShadowCounts;
using experiment::ShadowLoss;

namespace {

double wall_seconds() { return static_cast<double>(wall_now()) * 1e-9; }

}  // namespace

struct PipelineShadow::One {
  One(Loop& loop, std::uint32_t its_number, const experiment::Live& its_live, Spec its_spec,
      std::vector<Target> its_targets)
      : number(its_number),
        live(its_live),
        spec(std::move(its_spec)),
        targets(std::move(its_targets)),
        ignored(spec.ignore),
        deadlines(loop, spec.deadline),
        counts(live.spec(), spec.rate, spec.ignore) {
    for (const std::string& variant : live.spec().spec.variants) {
      fields.push_back(Assignment::field_of(variant));
    }
  }

  const std::uint32_t number;
  const experiment::Live& live;
  const Spec spec;
  const std::vector<Target> targets;
  std::vector<std::string> fields;  // Assignment::field, by variant
  const experiment::IgnoreRules ignored;
  TimeoutQueue deadlines;
  ShadowCounts counts;
  std::size_t candidate = 0;  // that was asked last
  std::size_t running = 0;
};

// A request with the control's answer, and what copies of it were answered.
struct PipelineShadow::Sample {
  Sample(One& its_one, Exchange& exchange, std::size_t its_candidate, bool first)
      : one(its_one),
        record(exchange, kMostBytes),
        key(exchange.assignment().key),
        candidate(its_candidate),
        control_first(first) {}

  bool next_is_control() const { return (copied == 0) == control_first; }

  One& one;
  ExchangeRecord record;
  const std::string key;
  const std::size_t candidate;
  const bool control_first;
  int copied = 0;  // of two
  KeptAnswer control, variant;
  Nanos since = 0;  // when it was complete
};

struct PipelineShadow::Running {
  Running(ExchangeTable& table, std::unique_ptr<Sample> its_sample, std::string_view told,
          Nanos its_begin)
      : sample(std::move(its_sample)),
        began(its_begin),
        copy(table, sample->record, told, kMostBytes),
        deadline(
            [](void* self) { static_cast<Running*>(self)->copy.abort(AbortReason::kDeadline); },
            this) {}

  std::unique_ptr<Sample> sample;
  const Nanos began;
  ExchangeCopy copy;
  Timeout deadline;
};

PipelineShadow::PipelineShadow(Loop& loop, ExchangeTable& exchanges, measure::Ledger& ledger,
                               Pipeline& pipeline)
    : loop_(loop),
      exchanges_(exchanges),
      ledger_(ledger),
      pipeline_(pipeline),
      idle_(new uv_idle_t),
      random_(std::random_device{}()) {
  DUET_CHECK(uv_idle_init(loop.uv(), idle_) == 0);
  uv_unref(reinterpret_cast<uv_handle_t*>(idle_));
  loop.add_observer(this);
}

PipelineShadow::~PipelineShadow() {
  DUET_CHECK(running_.empty());
  loop_.remove_observer(this);
  uv_close(reinterpret_cast<uv_handle_t*>(idle_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_idle_t*>(handle); });
}

void PipelineShadow::add(std::uint32_t number, const experiment::Live& live, Spec spec,
                         std::vector<Target> targets) {
  all_.push_back(std::make_unique<One>(loop_, number, live, std::move(spec), std::move(targets)));
}

PipelineShadow::One* PipelineShadow::find(std::uint32_t number) const {
  for (const auto& one : all_) {
    if (one->number == number) return one.get();
  }
  return nullptr;
}

// --- while the request passes ------------------------------------------------------------------

// The variants take turns. One that a guardrail took out is asked no more.
std::optional<std::size_t> PipelineShadow::next_candidate(One& one) const {
  const experiment::LiveSpec& spec = one.live.spec();
  for (std::size_t i = 1; i <= one.targets.size(); ++i) {
    const std::size_t v = (one.candidate + i) % one.targets.size();
    if (v == spec.spec.control || spec.variants[v].aa || one.live.experiment().rolled_back(v)) {
      continue;
    }
    one.candidate = v;
    return v;
  }
  return std::nullopt;
}

void PipelineShadow::chosen(Exchange& exchange) {
  const Assignment& assignment = exchange.assignment();
  One* const one = find(assignment.experiment);
  if (one == nullptr || stopped_ || !assignment.counted ||
      assignment.variant != one->live.spec().spec.control) {
    return;
  }
  const http::RequestHead& head = exchange.head();
  const bool reads = head.method() == http::Method::kGet || head.method() == http::Method::kHead;
  if ((!reads && !one->spec.safe) || head.upgrade() || head.method() == http::Method::kConnect) {
    return;
  }
  if (static_cast<double>(random_() >> 11) * 0x1p-53 >= one->spec.rate) return;
  const auto candidate = next_candidate(*one);
  if (!candidate) return;
  one->counts.sampled(wall_seconds());
  if (passing_.size() + waiting_.size() + running_.size() >= kMostSamples) {
    one->counts.lost(ShadowLoss::kNoRoom);
    return;
  }
  const bool control_first = random_() % 2 == 0;
  auto sample = std::make_unique<Sample>(*one, exchange, *candidate, control_first);
  ExchangeRecord* const tap = &sample->record;
  exchange.set_tap(tap);
  passing_.emplace(tap, std::move(sample));
}

void PipelineShadow::over(const Exchange& exchange) noexcept {
  if (exchange.tap() == nullptr) return;
  const auto found = passing_.find(exchange.tap());
  if (found == passing_.end()) return;
  std::unique_ptr<Sample> sample = std::move(found->second);
  passing_.erase(found);
  if (stopped_) return;
  if (!sample->record.complete(exchange)) {
    sample->one.counts.lost(sample->record.too_large() ? ShadowLoss::kTooLarge : ShadowLoss::kLeft);
    return;
  }
  sample->since = now();
  waiting_.push_back(std::move(sample));
  update_idle();
}

// --- when nothing else happens -----------------------------------------------------------------

void PipelineShadow::after_poll() noexcept {
  const bool nothing_happened = ledger_.asleep();
  reap();
  if (nothing_happened) begin_something();
}

std::deque<std::unique_ptr<PipelineShadow::Sample>>::iterator PipelineShadow::startable() {
  return std::find_if(waiting_.begin(), waiting_.end(), [](const auto& sample) {
    return sample->copied == 2 || sample->one.running < sample->one.spec.concurrency;
  });
}

void PipelineShadow::begin_something() {
  const Nanos too_old = now() - kLongestWait;
  while (!waiting_.empty() && waiting_.front()->since < too_old) {
    waiting_.front()->one.counts.lost(ShadowLoss::kTooOld);
    waiting_.pop_front();
    changed();
  }
  const auto found = startable();
  if (found != waiting_.end()) {
    std::unique_ptr<Sample> sample = std::move(*found);
    waiting_.erase(found);
    if (sample->copied == 2) {
      compare(*sample);
    } else {
      begin_copy(std::move(sample));
    }
  }
  update_idle();
}

void PipelineShadow::begin_copy(std::unique_ptr<Sample> sample) {
  const Nanos began = now();
  One& one = sample->one;
  const experiment::LiveSpec& spec = one.live.spec();
  const std::size_t variant = sample->next_is_control() ? spec.spec.control : sample->candidate;
  const Target& target = one.targets[variant];
  const std::string& name = spec.spec.variants[variant];
  auto running = std::make_unique<Running>(exchanges_, std::move(sample), name, began);
  Exchange& exchange = running->copy.exchange();
  exchange.timeline().set_handler(target.handler);
  exchange.timeline().set_account(target.account);
  Assignment& assignment = exchange.assignment();
  assignment.experiment = one.number;
  assignment.variant = static_cast<std::uint16_t>(variant);
  assignment.field = one.fields[variant];
  assignment.key = running->sample->key;
  ledger_.charge_host(target.account, began, now());
  if (!pipeline_.dispatch_copy(exchange, target.account, target.info)) {
    running->copy.end(ledger_);
    one.counts.unanswered(variant);
    changed();
    return;
  }
  running->deadline.arm(one.deadlines, began);
  ++one.running;
  running_.push_back(std::move(running));
}

void PipelineShadow::compare(const Sample& sample) {
  const Nanos began = now();
  const auto answer = [](const KeptAnswer& kept) {
    return experiment::Answer{kept.status, kept.fields, kept.body, kept.broken_off};
  };
  One& one = sample.one;
  const experiment::Answer first = answer(sample.record.answer());
  one.counts.compared(sample.candidate,
                      experiment::differences(first, answer(sample.variant), one.ignored),
                      experiment::differences(first, answer(sample.control), one.ignored),
                      sample.record.target(), wall_seconds());
  changed();
  ledger_.charge_host(one.targets[sample.candidate].account, began, now());
}

// Outside of any call of an engine, so that copies may end.
void PipelineShadow::reap() {
  for (std::size_t i = 0; i < running_.size();) {
    if (!running_[i]->copy.done()) {
      ++i;
      continue;
    }
    const std::unique_ptr<Running> ended = std::move(running_[i]);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    ended->deadline.disarm();
    ended->copy.end(ledger_);
    std::unique_ptr<Sample> sample = std::move(ended->sample);
    One& one = sample->one;
    --one.running;
    if (stopped_) continue;
    const bool of_control = sample->next_is_control();
    // By the clock: of a handler that held the loop no timer could tell.
    if (now() - ended->began >= one.spec.deadline) {
      one.counts.overdue(of_control ? one.live.spec().spec.control : sample->candidate);
      changed();
    }
    if (ended->copy.answer().too_large) {
      one.counts.lost(ShadowLoss::kTooLarge);
      changed();
      continue;
    }
    (of_control ? sample->control : sample->variant) = ended->copy.answer();
    ++sample->copied;
    waiting_.push_front(std::move(sample));
  }
  update_idle();
}

// While something could begin, the loop looks for events without waiting for them.
void PipelineShadow::update_idle() {
  if (!stopped_ && startable() != waiting_.end()) {
    uv_idle_start(idle_, [](uv_idle_t*) {});
  } else {
    uv_idle_stop(idle_);
  }
}

void PipelineShadow::stop() {
  stopped_ = true;
  waiting_.clear();
  for (const auto& running : running_) running->copy.abort(AbortReason::kShutdown);
  reap();
}

std::optional<experiment::ShadowSnapshot> PipelineShadow::snapshot(std::uint32_t number) const {
  const One* const one = find(number);
  if (one == nullptr) return std::nullopt;
  experiment::ShadowSnapshot shot = one->counts.snapshot();
  for (const auto& [tap, sample] : passing_) shot.waiting += &sample->one == one;
  for (const auto& sample : waiting_) shot.waiting += &sample->one == one;
  shot.running = one->running;
  return shot;
}

ShadowCounts* PipelineShadow::counts(std::uint32_t number) {
  One* const one = find(number);
  return one == nullptr ? nullptr : &one->counts;
}

void PipelineShadow::changed() const {
  if (on_changed) on_changed();
}

}  // namespace duet
