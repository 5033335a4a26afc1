// Metrics as Prometheus reads them: its text format 0.0.4, OpenMetrics 1.0, and its protobuf
// format, which alone has native histograms.
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

enum class ExpositionFormat : std::uint8_t { kPrometheus, kOpenMetrics, kProtobuf };

// The format that an Accept header asks for: the one wanted most, of equals the one that says most
// (protobuf, OpenMetrics, text), as Prometheus's servers do; text when there is no header.
ExpositionFormat negotiate_exposition(std::string_view accept);
std::string_view content_type(ExpositionFormat format);

// All metrics of the host. Names that OpenTelemetry's conventions define are those, in Prometheus's
// spelling; ours begin with duet_.
std::string expose(const Metrics& metrics, const Snapshot& snapshot, ExpositionFormat format);

// Writes families of samples in any of the formats. Each family is begun once, its samples follow.
class ExpositionWriter {
 public:
  enum class Type : std::uint8_t { kCounter, kGauge, kHistogram };
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels =
      std::vector<Label>;  // the views are read during the call; empty values are left out

  explicit ExpositionWriter(ExpositionFormat format) : format_(format) {}

  // Whether More::native is shown.
  bool has_native() const { return format_ == ExpositionFormat::kProtobuf; }

  // `name` without "_total". `unit`: "seconds", "bytes", or empty; a name with a unit ends with it.
  void family(std::string_view name, Type type, std::string_view unit, std::string_view help);
  void sample(const Labels& labels, double value);
  void sample(const Labels& labels, std::uint64_t value);
  // What some formats show of a histogram beside its buckets. Both outlive the call.
  struct More {
    std::span<const Exemplar> exemplars = {};  // by bucket, the last one's included; may be empty
    const NativeBuckets* native = nullptr;
  };
  // A histogram's samples. `cumulative` holds a count for each bound, `count` is of all; bounds and
  // sum are divided by `divisor` (1e9: nanoseconds to seconds).
  void histogram(const Labels& labels, std::span<const std::int64_t> bounds,
                 std::span<const std::uint64_t> cumulative, std::uint64_t count, double sum,
                 double divisor, const More& more);
  void histogram(const Labels& labels, std::span<const std::int64_t> bounds,
                 std::span<const std::uint64_t> cumulative, std::uint64_t count, double sum,
                 double divisor) {
    histogram(labels, bounds, cumulative, count, sum, divisor, More());
  }
  std::string finish() &&;

  // What is not UTF-8 (a handler's file name may be anything) replaced: scrapers refuse such a
  // page.
  static std::string valid_utf8(std::string_view text);

 private:
  void line(std::string_view suffix, const Labels& labels, std::string_view extra_label,
            std::string_view value);
  void end_line(const Exemplar* exemplar = nullptr);
  // Of kProtobuf (exposition_protobuf.cc): the same as the public ones.
  void message_family(std::string_view unit, std::string_view help);
  void message_sample(const Labels& labels, double value);
  void message_histogram(const Labels& labels, std::span<const std::int64_t> bounds,
                         std::span<const std::uint64_t> cumulative, std::uint64_t count, double sum,
                         double divisor, const More& more);
  void message_end();

  ExpositionFormat format_;
  std::string text_;
  std::string name_;
  Type type_ = Type::kGauge;
  std::string message_;  // of kProtobuf: the family so far
};

}  // namespace duet::measure
