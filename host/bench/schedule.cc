#include "host/bench/schedule.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "host/bench/random.h"

namespace duet::bench {

namespace {

Result<void> check(const ScheduleOptions& options) {
  if (options.arms == 0 || options.texts.size() != options.arms) {
    return Error{"there is nothing to send requests to", {}, {}, {}};
  }
  if (options.block < kMillisecond || options.block > kSecond) {
    return Error{"a block lasts from a millisecond to a second", {}, "--block 500ms", {}};
  }
  if (options.duration < options.block) {
    return Error{"the run is shorter than one block", {}, "give it a longer --duration", {}};
  }
  if (options.arrivals == Arrivals::kClosed) return {};
  if (options.arrivals == Arrivals::kReplay && (options.period <= 0 || options.instants.empty())) {
    return Error{"the recorded requests have no times", {}, "leave --replay out", {}};
  }
  if (!(options.rate > 0 && std::isfinite(options.rate))) {
    return Error{"the rate must be above 0", {}, "--rate 1000", {}};
  }
  const double count = options.rate * static_cast<double>(options.duration) / 1e9;
  if (count > static_cast<double>(kMostRequests)) {
    return Error{"that would be " + std::to_string(static_cast<std::uint64_t>(count)) +
                     " requests, and at most " + std::to_string(kMostRequests) + " are kept",
                 {},
                 "lower --rate or --duration",
                 {}};
  }
  const Nanos measured = options.duration - options.warmup;
  const auto steps = static_cast<Nanos>(options.steps.size());
  if (measured < steps * options.arms * (options.block + options.gap)) {
    return Error{"the run is too short for a round in each of " + std::to_string(steps) + " steps",
                 {},
                 "a longer --duration, or fewer --steps",
                 {}};
  }
  return {};
}

class Maker {
 public:
  explicit Maker(const ScheduleOptions& options)
      : options_(options), random_(options.seed), next_text_(options.arms) {}

  Schedule make() {
    const Nanos turn = options_.block + options_.gap;
    const Nanos round = turn * options_.arms;
    schedule_.rounds = static_cast<std::uint32_t>(std::max<Nanos>(1, options_.duration / round));
    schedule_.length = round * schedule_.rounds;
    schedule_.order = options_.order;
    warm_rounds_ = (options_.warmup + round - 1) / round;
    add_steps();
    std::vector<std::uint16_t> order(options_.arms);
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    Nanos at = 0;
    for (std::uint32_t r = 0; r < schedule_.rounds; ++r) {
      for (std::size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[random_.below(i)]);
      }
      for (const std::uint16_t arm : order) {
        add_block({arm, r, at, at + options_.block});
        at += turn;
      }
    }
    return std::move(schedule_);
  }

 private:
  void add_steps() {
    const auto warm = static_cast<std::uint32_t>(
        std::min<Nanos>(warm_rounds_, static_cast<Nanos>(schedule_.rounds)));
    const std::size_t measured = schedule_.rounds - warm, steps = options_.steps.size();
    for (std::size_t i = 0; i < steps; ++i) {
      schedule_.steps.push_back({options_.steps[i],
                                 warm + static_cast<std::uint32_t>(measured * i / steps),
                                 warm + static_cast<std::uint32_t>(measured * (i + 1) / steps)});
    }
  }

  double rate_of(std::uint32_t round) const {
    for (const Step& step : schedule_.steps) {
      if (round < step.end) return step.rate;
    }
    return options_.rate;
  }

  void add_block(const Block& block) {
    const auto index = static_cast<std::uint32_t>(schedule_.blocks.size());
    schedule_.blocks.push_back(block);
    if (options_.arrivals == Arrivals::kClosed) return;
    if (options_.arrivals == Arrivals::kReplay) {
      replay(block, index);
      return;
    }
    // The first one is due at a random moment of its distance, or all blocks would begin alike.
    const double distance = 1e9 / rate_of(block.round);
    const bool poisson = options_.arrivals == Arrivals::kPoisson;
    double at = distance * (poisson ? random_.exponential() : random_.uniform());
    while (at < static_cast<double>(block.to - block.from)) {
      add_sample(block, index, static_cast<Nanos>(at), next_text_[block.arm]++);
      at += poisson ? distance * random_.exponential() : distance;
    }
  }

  void add_sample(const Block& block, std::uint32_t index, Nanos at, std::uint32_t number) {
    Sample sample;
    sample.due = block.from + at;
    sample.block = index;
    sample.arm = block.arm;
    sample.text = text_at(options_.order, number, options_.texts[block.arm]);
    schedule_.samples.push_back(sample);
  }

  // The recording's piece that belongs to this round.
  void replay(const Block& block, std::uint32_t index) {
    const std::vector<Nanos>& instants = options_.instants;
    const Nanos length = block.to - block.from, period = options_.period;
    const Nanos since = (static_cast<Nanos>(block.round) - warm_rounds_) * length;
    const Nanos from = (since % period + period) % period;
    auto next = static_cast<std::size_t>(std::lower_bound(instants.begin(), instants.end(), from) -
                                         instants.begin());
    for (Nanos turn = 0;; ++next) {
      if (next == instants.size()) {
        next = 0;
        turn += period;
      }
      const Nanos at = turn + instants[next] - from;
      if (at >= length) return;
      add_sample(block, index, at, static_cast<std::uint32_t>(next));
    }
  }

  const ScheduleOptions& options_;
  Random random_;
  std::vector<std::uint32_t> next_text_;
  Nanos warm_rounds_ = 0;
  Schedule schedule_;
};

}  // namespace

std::string_view arrivals_name(Arrivals arrivals) {
  switch (arrivals) {
    case Arrivals::kConstant:
      return "constant";
    case Arrivals::kPoisson:
      return "poisson";
    case Arrivals::kReplay:
      return "replay";
    case Arrivals::kClosed:
      return "closed";
  }
  return "";
}

Result<Schedule> make_schedule(const ScheduleOptions& options) {
  if (auto checked = check(options); !checked) return checked.error();
  return Maker(options).make();
}

}  // namespace duet::bench
