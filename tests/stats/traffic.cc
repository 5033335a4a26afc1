#include "tests/stats/traffic.h"

#include <algorithm>
#include <cmath>

#include "host/base/split_mix.h"

namespace duet::stats {

namespace {

constexpr std::size_t kKeys = 5000;
constexpr double kMedian = 0.020;  // seconds
constexpr double kCpuMedian = 0.002;
constexpr double kSigma = 0.5;  // of the logarithm

// Cumulative chances of the keys, by rank^-1.1.
const std::vector<double>& zipf_table() {
  static const std::vector<double> table = [] {
    std::vector<double> sums;
    double sum = 0;
    for (std::size_t i = 1; i <= kKeys; ++i) {
      sum += std::pow(static_cast<double>(i), -1.1);
      sums.push_back(sum);
    }
    for (double& value : sums) value /= sum;
    return sums;
  }();
  return table;
}

}  // namespace

std::uint64_t Random::bits() { return split_mix(state_); }

double Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  const double angle = 6.283185307179586 * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

Traffic::Traffic(const Scenario& scenario, std::uint64_t seed)
    : scenario_(scenario), random_(seed), slices_(~seed), salt_(random_.bits()) {}

std::size_t Traffic::stage() const {
  return std::min(at_ * scenario_.ramp.size() / scenario_.requests, scenario_.ramp.size() - 1);
}

double Traffic::share() const { return scenario_.ramp[stage()]; }

std::size_t Traffic::zipf_key() {
  const auto& table = zipf_table();
  const auto found = std::lower_bound(table.begin(), table.end(), random_.uniform());
  return std::min<std::size_t>(static_cast<std::size_t>(found - table.begin()), kKeys - 1);
}

// One request in 2,000 of an arm begins a stall of that arm; one in five gets through it.
void Traffic::stall(Request& request) {
  const std::size_t arm = request.b ? 1 : 0;
  if (stalled_[arm] == 0 && random_.chance(1.0 / 2000)) {
    stalled_[arm] = 20 + static_cast<int>(random_.uniform() * 281);
    failing_[arm] = random_.chance(0.5);
  }
  if (stalled_[arm] == 0) return;
  --stalled_[arm];
  if (random_.chance(0.2)) return;  // some get through
  // A processor that is taken away makes slices long; a pool that hangs does not.
  if (!failing_[arm]) request.cpu = request.slice = 0.02 + 0.2 * slices_.uniform();
  request.latency += (0.2 + 0.8 * random_.uniform()) * (request.b ? scenario_.b_slower : 1);
  if (failing_[arm]) request.error = true;
}

// One to four slices; the collector comes into one of a hundred requests.
void Traffic::run(Request& request, double slower) {
  const double cpu = kCpuMedian * slower * std::exp(kSigma * slices_.normal());
  request.slice = cpu * (0.25 + 0.75 * slices_.uniform());
  request.cpu = cpu;
  if (!slices_.chance(0.01)) return;
  const double pause = 0.002 + 0.01 * slices_.uniform();
  request.slice = std::max(request.slice, pause);
  request.cpu += pause;
}

Request Traffic::next() {
  const double passed = static_cast<double>(at_) / static_cast<double>(scenario_.requests);
  const double share = scenario_.b_actual_share < 0 ? this->share() : scenario_.b_actual_share;
  Request request;
  double slower = 1 + scenario_.drift * passed;
  double errors = 1 + scenario_.drift / 0.3 * passed;
  if (scenario_.zipf) {
    const std::size_t rank = zipf_key();
    Random key(rank * 1000003 + salt_);
    request.key = key.bits();
    request.b = key.uniform() < share;  // sticky, and never moved out by a rising share
    slower *= std::exp(0.5 * key.normal());
    errors *= key.chance(0.02) ? 25 : 0.5;  // some visitors meet errors all the time
  } else {
    request.b = random_.chance(share);
  }
  run(request, request.b ? slower * scenario_.b_cpu : slower);
  if (request.b) slower *= scenario_.b_slower;
  double rate = scenario_.error_rate;
  if (request.b && scenario_.b_error_rate >= 0) rate = scenario_.b_error_rate;
  request.latency = kMedian * slower * std::exp(kSigma * random_.normal());
  request.error = random_.chance(std::min(1.0, rate * errors));
  if (scenario_.stalls) stall(request);
  ++at_;
  return request;
}

}  // namespace duet::stats
