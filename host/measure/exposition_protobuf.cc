// The protobuf format: a MetricFamily of io.prometheus.client (metrics.proto of client_model)
// behind its length for each family. The numbers are that file's.
#include <limits>

#include "host/base/protobuf.h"
#include "host/measure/exposition.h"

namespace duet::measure {
namespace {

using protobuf::Writer;
using Labels = ExpositionWriter::Labels;

constexpr unsigned kMetric = 4;  // of MetricFamily

void write_label(Writer& out, std::string_view name, std::string_view value) {
  out.message(1, [&] {
    out.bytes(1, name);
    out.bytes(2, value);
  });
}

void write_labels(Writer& out, const Labels& labels) {
  for (const auto& [name, value] : labels) {
    if (!value.empty()) write_label(out, name, ExpositionWriter::valid_utf8(value));
  }
}

void write_exemplar(Writer& out, unsigned field, const Exemplar& exemplar) {
  if (exemplar.at == 0) return;
  out.message(field, [&] {
    write_label(out, "trace_id", trace_hex(exemplar.trace));
    write_label(out, "span_id", span_hex(exemplar.trace));
    out.real(2, static_cast<double>(exemplar.value) / 1e9);
    out.message(3, [&] {
      out.varint(1, static_cast<std::uint64_t>(exemplar.at / kSecond));
      out.varint(2, static_cast<std::uint64_t>(exemplar.at % kSecond));
    });
  });
}

// One span of buckets: those without counts in between cost a byte each.
void write_native(Writer& out, const NativeBuckets& native) {
  constexpr double kZeroThreshold = 0x1p-128;  // as Prometheus's own libraries have it
  out.zigzag(5, NativeBuckets::kSchema);
  out.real(6, kZeroThreshold);
  out.varint(7, native.zeros());
  if (native.counts().empty()) return;
  out.message(12, [&] {
    out.zigzag(1, native.first());
    out.varint(2, native.counts().size());
  });
  out.message(13, [&] {
    std::int64_t before = 0;
    for (const std::uint64_t count : native.counts()) {
      out.packed(static_cast<std::int64_t>(count) - before);
      before = static_cast<std::int64_t>(count);
    }
  });
}

}  // namespace

void ExpositionWriter::message_family(std::string_view unit, std::string_view help) {
  constexpr std::uint64_t kTypes[] = {0, 1, 4};  // COUNTER, GAUGE, HISTOGRAM
  message_end();
  Writer out(message_);
  out.bytes(1, type_ == Type::kCounter ? name_ + "_total" : name_);
  out.bytes(2, help);
  out.varint(3, kTypes[static_cast<int>(type_)]);
  if (!unit.empty()) out.bytes(5, unit);
}

void ExpositionWriter::message_end() {
  if (!message_.empty()) Writer(text_).delimited(message_);
  message_.clear();
}

void ExpositionWriter::message_sample(const Labels& labels, double value) {
  Writer out(message_);
  out.message(kMetric, [&] {
    write_labels(out, labels);
    out.message(type_ == Type::kCounter ? 3 : 2, [&] { out.real(1, value); });
  });
}

void ExpositionWriter::message_histogram(const Labels& labels, std::span<const std::int64_t> bounds,
                                         std::span<const std::uint64_t> cumulative,
                                         std::uint64_t count, double sum, double divisor,
                                         const More& more) {
  Writer out(message_);
  out.message(kMetric, [&] {
    write_labels(out, labels);
    out.message(7, [&] {
      out.varint(1, count);
      out.real(2, sum / divisor);
      for (std::size_t i = 0; i < bounds.size(); ++i) {
        out.message(3, [&] {
          out.varint(1, cumulative[i]);
          out.real(2, static_cast<double>(bounds[i]) / divisor);
          if (!more.exemplars.empty()) write_exemplar(out, 3, more.exemplars[i]);
        });
      }
      // The bucket of all may be left out, but its exemplar needs it.
      if (!more.exemplars.empty() && more.exemplars[bounds.size()].at > 0) {
        out.message(3, [&] {
          out.varint(1, count);
          out.real(2, std::numeric_limits<double>::infinity());
          write_exemplar(out, 3, more.exemplars[bounds.size()]);
        });
      }
      if (more.native == nullptr) return;
      write_native(out, *more.native);
      for (const Exemplar& exemplar : more.exemplars) write_exemplar(out, 16, exemplar);
    });
  });
}

}  // namespace duet::measure
