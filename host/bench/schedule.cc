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
  if (!(options.rate > 0) || !std::isfinite(options.rate)) {
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
  void add_block(const Block& block) {
    const auto index = static_cast<std::uint32_t>(schedule_.blocks.size());
    schedule_.blocks.push_back(block);
    if (options_.arrivals == Arrivals::kClosed) return;
    // The first one is due at a random moment of its distance, or all blocks would begin alike.
    const double distance = 1e9 / options_.rate;
    const bool poisson = options_.arrivals == Arrivals::kPoisson;
    double at = distance * (poisson ? random_.exponential() : random_.uniform());
    while (at < static_cast<double>(block.to - block.from)) {
      Sample sample;
      sample.due = block.from + static_cast<Nanos>(at);
      sample.block = index;
      sample.arm = block.arm;
      sample.text = next_text_[block.arm]++ % std::max(1u, options_.texts[block.arm]);
      schedule_.samples.push_back(sample);
      at += poisson ? distance * random_.exponential() : distance;
    }
  }

  const ScheduleOptions& options_;
  Random random_;
  std::vector<std::uint32_t> next_text_;
  Schedule schedule_;
};

}  // namespace

std::string_view arrivals_name(Arrivals arrivals) {
  switch (arrivals) {
    case Arrivals::kConstant:
      return "constant";
    case Arrivals::kPoisson:
      return "poisson";
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
