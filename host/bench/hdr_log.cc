#include "host/bench/hdr_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <hdr/hdr_histogram.h>
#include <hdr/hdr_histogram_log.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <sstream>

namespace duet::bench {

namespace {

constexpr std::int64_t kHighest = 3600 * kSecond;
constexpr int kDigits = 3;
constexpr double kMaxUnit = 1e6;      // readers multiply the maxima that stand in the text by it
constexpr double kMostSeconds = 9e9;  // as nanoseconds they are within 64 bits

struct Close {
  void operator()(hdr_histogram* histogram) const { hdr_close(histogram); }
  void operator()(char* text) const { std::free(text); }
};
using Histogram = std::unique_ptr<hdr_histogram, Close>;

double seconds(Nanos time) { return static_cast<double>(time) / 1e9; }

// StartTimestamp, Interval_Length, Interval_Max, Interval_Compressed_Histogram.
Result<std::string> interval(const Block& block, hdr_histogram& histogram) {
  char* encoded = nullptr;
  const int failure = hdr_log_encode(&histogram, &encoded);
  const std::unique_ptr<char, Close> text(encoded);
  if (failure != 0) return Error{hdr_strerror(failure), {}, {}, {}};
  const double most = histogram.total_count == 0 ? 0 : static_cast<double>(hdr_max(&histogram));
  return fmt::format("{:.6f},{:.6f},{:.6f},{}\n", seconds(block.from),
                     seconds(block.to - block.from), most / kMaxUnit, encoded);
}

Result<LogInterval> parse(const std::string& line) {
  const Error wrong{"it is no interval of an HdrHistogram log", {}, {}, {}};
  LogInterval interval;
  double from = 0, length = 0, most = 0;
  int at = 0;
  if (std::sscanf(line.c_str(), "%lf,%lf,%lf,%n", &from, &length, &most, &at) != 3 || at == 0) {
    return wrong;
  }
  for (const double time : {from, length}) {
    if (!(time >= 0 && time <= kMostSeconds)) return wrong;  // also what is not a number
  }
  interval.from = std::llround(from * 1e9);
  interval.length = std::llround(length * 1e9);
  std::string encoded = line.substr(static_cast<std::size_t>(at));
  while (!encoded.empty() && (encoded.back() == '\r' || encoded.back() == ' ')) encoded.pop_back();
  hdr_histogram* decoded = nullptr;
  if (encoded.empty() || hdr_log_decode(&decoded, encoded.data(), encoded.size()) != 0) {
    return wrong;
  }
  const Histogram histogram(decoded);
  hdr_iter iter;
  hdr_iter_recorded_init(&iter, histogram.get());
  while (hdr_iter_next(&iter)) {
    interval.counts.emplace_back(hdr_median_equivalent_value(histogram.get(), iter.value),
                                 static_cast<std::uint64_t>(iter.count));
  }
  return interval;
}

}  // namespace

Result<std::string> hdr_log(const Schedule& schedule, std::uint16_t arm, Rounds rounds,
                            Nanos started) {
  std::vector<std::uint32_t> blocks;  // those of the arm that count
  for (std::uint32_t i = 0; i < schedule.blocks.size(); ++i) {
    const Block& block = schedule.blocks[i];
    if (block.arm == arm && rounds.contains(block.round)) blocks.push_back(i);
  }
  std::vector<std::vector<Nanos>> latencies(schedule.blocks.size());
  for (const Sample& sample : schedule.samples) {
    if (sample.arm == arm && is_answer(sample.outcome)) {
      latencies[sample.block].push_back(sample.latency());
    }
  }
  hdr_histogram* made = nullptr;
  if (hdr_init(1, kHighest, kDigits, &made) != 0) return Error{"out of memory", {}, {}, {}};
  const Histogram histogram(made);
  const std::time_t second = static_cast<std::time_t>(started / kSecond);
  std::string text = fmt::format(
      "#[Logged with duet bench: latencies in nanoseconds]\n"
      "#[Histogram log format version 1.3]\n"
      "#[StartTime: {:.3f} (seconds since epoch), {:%FT%TZ}]\n"
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
      seconds(started), fmt::gmtime(second));
  for (const std::uint32_t index : blocks) {
    hdr_reset(histogram.get());
    for (const Nanos latency : latencies[index]) {
      hdr_record_value(histogram.get(), std::clamp<Nanos>(latency, 0, kHighest));
    }
    auto line = interval(schedule.blocks[index], *histogram);
    if (!line) return line;
    text += *line;
  }
  return text;
}

Result<std::vector<LogInterval>> read_hdr_log(const std::string& text) {
  std::vector<LogInterval> intervals;
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line[0] == '#' || line[0] == '"') continue;
    auto interval = parse(line);
    if (!interval) {
      Error error = std::move(interval).error();
      error.where = "line " + std::to_string(number);
      return error;
    }
    intervals.push_back(std::move(*interval));
  }
  return intervals;
}

}  // namespace duet::bench
