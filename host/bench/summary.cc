#include "host/bench/summary.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace duet::bench {

namespace {

constexpr double kMostLag = 0.05;  // of a quantile
constexpr int kSilence = 10;       // requests

void count_lost(Summary& summary, Outcome outcome) {
  switch (outcome) {
    case Outcome::kUnsent:
      ++summary.unsent;
      return;
    case Outcome::kRefused:
      ++summary.refused;
      break;
    case Outcome::kClosed:
      ++summary.closed;
      break;
    case Outcome::kNotHttp:
      ++summary.not_http;
      break;
    default:
      ++summary.timeouts;
  }
  ++summary.lost;
}

}  // namespace

Rounds measured_rounds(const Schedule& schedule, Nanos warmup, Nanos sent_until) {
  Rounds rounds{0, schedule.rounds};
  for (const Block& block : schedule.blocks) {
    if (block.from < warmup) rounds.first = std::max(rounds.first, block.round + 1);
    if (block.to > sent_until) rounds.end = std::min(rounds.end, block.round);
  }
  for (const Sample& sample : schedule.samples) {
    if (sample.outcome != Outcome::kPlanned) continue;
    rounds.end = std::min(rounds.end, schedule.blocks[sample.block].round);
  }
  return rounds;
}

namespace {

using Span = std::pair<Nanos, Nanos>;  // from, to

Nanos covered_by(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end());
  Nanos covered = 0, until = 0;
  for (const auto& [from, to] : spans) {
    covered += std::max<Nanos>(0, to - std::max(from, until));
    until = std::max(until, to);
  }
  return covered;
}

// The time of the arm's own blocks, and that in which something of theirs waited for its answer.
Nanos time_until_answered(const Schedule& schedule, std::uint16_t arm, Rounds rounds) {
  std::vector<Span> spans;
  for (const Block& block : schedule.blocks) {
    if (block.arm == arm && rounds.contains(block.round)) spans.emplace_back(block.from, block.to);
  }
  for (const Sample& sample : schedule.samples) {
    if (sample.arm == arm && rounds.contains(schedule.blocks[sample.block].round) &&
        is_answer(sample.outcome)) {
      spans.emplace_back(sample.due, sample.due + sample.latency());
    }
  }
  return covered_by(std::move(spans));
}

}  // namespace

Summary summarize(const Schedule& schedule, std::uint16_t arm, Rounds rounds) {
  Summary summary;
  for (const double time : answering_times(schedule, arm, rounds)) {
    summary.loaded += static_cast<Nanos>(time);
  }
  int unanswered = 0;  // in a row
  for (const Sample& sample : schedule.samples) {
    if (sample.arm != arm || !rounds.contains(schedule.blocks[sample.block].round) ||
        sample.outcome == Outcome::kPlanned) {
      continue;
    }
    ++summary.requests;
    summary.lag.push_back(sample.lag());
    if (!is_answer(sample.outcome)) {
      count_lost(summary, sample.outcome);
      if (unanswered++ == 0) summary.silent_from = sample.due;
      continue;
    }
    unanswered = 0;
    ++summary.answered;
    if (sample.outcome == Outcome::kBadStatus) ++summary.bad_status;
    if (sample.changed) ++summary.changed;
    summary.latency.push_back(sample.latency());
    summary.undelayed.push_back(sample.latency() - sample.lag());
    summary.service.push_back(sample.service());
    summary.queueing.push_back(sample.queueing());
  }
  if (unanswered < kSilence || summary.answered == 0) summary.silent_from = kNever;
  for (std::vector<Nanos>* values :
       {&summary.latency, &summary.undelayed, &summary.service, &summary.queueing, &summary.lag}) {
    std::sort(values->begin(), values->end());
  }
  const Nanos queued = quantile_of(summary.queueing, 0.5);
  summary.beyond_reach = !schedule.closed && queued != kNever &&
                         queued > std::max(kMillisecond, quantile_of(summary.service, 0.5));
  if (summary.beyond_reach) summary.loaded = time_until_answered(schedule, arm, rounds);
  return summary;
}

std::vector<double> answering_times(const Schedule& schedule, std::uint16_t arm, Rounds rounds) {
  std::vector<double> times(rounds.count());
  for (const Block& block : schedule.blocks) {
    if (block.arm != arm || !rounds.contains(block.round)) continue;
    times[block.round - rounds.first] += static_cast<double>(block.to - block.from);
  }
  if (!schedule.closed) return times;
  std::vector<double> sums(times.size()), counts(times.size());
  for (const Sample& sample : schedule.samples) {
    const std::uint32_t round = schedule.blocks[sample.block].round;
    if (sample.arm != arm || !rounds.contains(round) || !is_answer(sample.outcome)) continue;
    sums[round - rounds.first] += static_cast<double>(sample.latency());
    counts[round - rounds.first] += 1;
  }
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (counts[i] > 0) times[i] += sums[i] / counts[i];
  }
  return times;
}

Summary summarize(const Schedule& schedule, std::uint16_t arm) {
  return summarize(schedule, arm, {0, schedule.rounds});
}

bool Summary::lagged_at(double p) const {
  const Nanos with = latency_at(p), without = quantile_of(undelayed, p, unsent + lost);
  return with != kNever &&
         static_cast<double>(with - without) > kMostLag * static_cast<double>(with);
}

Nanos Summary::latency_at(double p) const { return quantile_of(latency, p, unsent + lost); }

Nanos quantile_of(std::span<const Nanos> ascending, double p, std::uint64_t beyond) {
  const double all = static_cast<double>(ascending.size() + beyond);
  const double rank = std::max(1.0, std::ceil(p * all));
  if (rank > static_cast<double>(ascending.size())) return kNever;
  return ascending[static_cast<std::size_t>(rank) - 1];
}

}  // namespace duet::bench
