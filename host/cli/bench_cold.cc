#include "host/cli/bench_cold.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <numeric>

#include "host/base/escape.h"
#include "host/bench/generator.h"
#include "host/bench/random.h"
#include "host/cli/bench_environment.h"
#include "host/cli/bench_servers.h"
#include "host/cli/bench_target.h"
#include "host/stats/change_points.h"

namespace duet::cli {

namespace {

constexpr Nanos kAskColdEvery = 500 * kMicrosecond;
constexpr Nanos kAnswerPatience = 5 * kSecond;
constexpr Nanos kPiece = 10 * kMillisecond;  // whose median latency is one value

// The status of the answer to one request on a connection of its own; 0: none.
int ask(const net::Address& address, const std::string& request) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  const timeval patience{kAnswerPatience / kSecond, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string head(12, '\0');  // "HTTP/1.1 200"
  const bool answered =
      connect(fd, address.get(), address.length()) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size()) &&
      recv(fd, head.data(), head.size(), MSG_WAITALL) == static_cast<ssize_t>(head.size());
  close(fd);
  return answered && head.starts_with("HTTP/1.") ? std::atoi(head.c_str() + 9) : 0;
}

class ColdStarter {
 public:
  ColdStarter(const bench::Plan& plan, Interrupt& interrupt) : plan_(plan), interrupt_(interrupt) {}

  // `measured`: otherwise nothing is asked after the first answer.
  Result<ColdStart> start(const bench::ArmPlan& arm, bool measured) {
    const std::uint16_t port = free_port();
    std::vector<bench::Target> targets;  // one for each address where it may listen
    for (const char* host : kLoopbacks) {
      auto target = bench_target(plan_, std::string("http://") + host + ":" + std::to_string(port));
      if (!target) return std::move(target).error();
      targets.push_back(std::move(*target));
    }
    const Nanos begin = now();
    auto process = launch(arm, port, plan_.pinning ? plan_.pinning->servers : bench::Processors());
    if (!process) return std::move(process).error();
    int status = 0;
    for (const Nanos deadline = begin + kStartPatience; now() < deadline;) {
      for (const bench::Target& target : targets) {
        status = ask(target.address, target.texts[0].bytes);
        if (status > 0 && status < 400) {
          const Nanos first = now() - begin;
          return ColdStart{first, measured ? steady(target, begin) : std::nullopt};
        }
      }
      if (!(*process)->running()) {
        return Error{"it ended before it answered (" + (*process)->ending() + ")",
                     {},
                     {},
                     (*process)->output()};
      }
      if (interrupt_.wait(kAskColdEvery) > 0) return Error{"interrupted", {}, {}, {}};
    }
    return Error{
        status > 0 ? "it answers " + std::to_string(status)
                   : "it does not answer within " + std::to_string(kStartPatience / kSecond) + " s",
        {},
        {},
        (*process)->output()};
  }

 private:
  // Asks on one connection, as fast as it answers, and looks for the last level of its latencies.
  std::optional<Nanos> steady(const bench::Target& target, Nanos begin) {
    auto generator = bench::Generator::create({target}, {.connections = 1});
    bench::Schedule schedule;
    schedule.rounds = 1;
    schedule.length = plan_.after_start;
    schedule.blocks.push_back({0, 0, 0, plan_.after_start});
    if (!generator || !(*generator)->connect()) return std::nullopt;
    (*generator)->run(schedule, /*closed=*/true);
    std::vector<double> medians, piece;
    std::vector<Nanos> from;
    Nanos end = kPiece;
    const auto close_piece = [&] {
      if (piece.empty()) return;
      const auto middle = piece.begin() + std::ssize(piece) / 2;
      std::nth_element(piece.begin(), middle, piece.end());
      medians.push_back(*middle);
      piece.clear();
    };
    for (const bench::Sample& sample : schedule.samples) {
      if (!is_answer(sample.outcome)) continue;
      if (sample.due >= end) {
        close_piece();
        end = (sample.due / kPiece + 1) * kPiece;
      }
      if (piece.empty()) from.push_back(sample.due);
      piece.push_back(static_cast<double>(sample.latency()));
    }
    close_piece();
    const auto found = stats::steady_state(medians);
    if (!found) return std::nullopt;
    return (*generator)->started() + from[found->from] - begin;
  }

  const bench::Plan& plan_;
  Interrupt& interrupt_;
};

}  // namespace

Result<ColdResult> measure_cold(const bench::Plan& plan, Interrupt& interrupt,
                                const std::function<void(const std::string&)>& note,
                                const std::function<void(std::uint32_t done)>& progress) {
  if (auto pinned = pin(plan); !pinned) return std::move(pinned).error();
  ColdStarter starter(plan, interrupt);
  bench::Random random(plan.schedule.seed);
  ColdResult result;
  result.arms.resize(plan.arms.size());
  std::vector<std::size_t> order(plan.arms.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  note("starting each once, so that its files are in memory");
  for (std::uint32_t round = 0; round <= plan.starts; ++round) {
    const bool measured = round > 0;
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    std::vector<ColdStart> starts(order.size());
    for (const std::size_t arm : order) {
      auto start = starter.start(plan.arms[arm], measured);
      if (interrupt.count() > 0) break;
      if (!start) {
        Error error = std::move(start).error();
        error.where = printable(plan.arms[arm].name);
        return error;
      }
      starts[arm] = *start;
    }
    if (interrupt.count() > 0) {
      result.interrupted = true;
      if (result.arms[0].empty()) {
        return Error{"it was ended before each had been started", {}, {}, {}};
      }
      return result;
    }
    if (!measured) continue;
    for (std::size_t arm = 0; arm < starts.size(); ++arm) result.arms[arm].push_back(starts[arm]);
    progress(round);
  }
  return result;
}

}  // namespace duet::cli
