// Metrics as text: Prometheus's format 0.0.4, and OpenMetrics 1.0.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/measure/snapshot.h"

namespace duet::measure {

enum class ExpositionFormat : std::uint8_t { kPrometheus, kOpenMetrics };

// The format that an Accept header asks for: OpenMetrics when it is wanted at least as much as
// plain text, as Prometheus's servers do; plain text when there is no header.
ExpositionFormat negotiate_exposition(std::string_view accept);
std::string_view content_type(ExpositionFormat format);

// All metrics of the host. Names that OpenTelemetry's conventions define are those, in Prometheus's
// spelling; ours begin with duet_.
std::string expose(const Metrics& metrics, const Snapshot& snapshot, ExpositionFormat format);

// Writes families of samples in either format. Each family is begun once, its samples follow.
class ExpositionWriter {
 public:
  enum class Type : std::uint8_t { kCounter, kGauge, kHistogram };
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels =
      std::vector<Label>;  // the views are read during the call; empty values are left out

  explicit ExpositionWriter(ExpositionFormat format) : format_(format) {}

  // `name` without "_total". `unit`: "seconds", "bytes", or empty; a name with a unit ends with it.
  void family(std::string_view name, Type type, std::string_view unit, std::string_view help);
  void sample(const Labels& labels, double value);
  void sample(const Labels& labels, std::uint64_t value);
  // A histogram's samples. `cumulative` holds a count for each bound, `count` is of all; bounds and
  // sum are divided by `divisor` (1e9: nanoseconds to seconds).
  void histogram(const Labels& labels, std::span<const std::int64_t> bounds,
                 std::span<const std::uint64_t> cumulative, std::uint64_t count, double sum,
                 double divisor);
  std::string finish() &&;

 private:
  void line(std::string_view suffix, const Labels& labels, std::string_view extra_label,
            std::string_view value);

  ExpositionFormat format_;
  std::string text_;
  std::string name_;
  Type type_ = Type::kGauge;
};

}  // namespace duet::measure
