#include "host/measure/exposition.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "host/base/check.h"

namespace duet::measure {
namespace {

// The shortest form that reads back as the same number. OpenMetrics wants a point or an exponent in
// bounds, and Prometheus takes it.
std::string number(double value, bool with_point) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::string text = fmt::format("{}", value);
  if (with_point && text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// The part before the next `separator`, taken off `rest`.
std::string_view next_part(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return trim(part);
}

}  // namespace

ExpositionFormat negotiate_exposition(std::string_view accept) {
  double open_metrics = 0, plain = 0, protobuf = 0;
  bool plain_named = false;
  while (!accept.empty()) {
    std::string_view range = next_part(accept, ',');
    const std::string_view type = next_part(range, ';');
    double quality = 1;
    bool ours = true;  // of protobuf: the message and framing that we have
    while (!range.empty()) {
      std::string_view parameter = next_part(range, ';');
      const std::string_view name = next_part(parameter, '=');
      if (same(name, "q")) quality = std::strtod(std::string(parameter).c_str(), nullptr);
      if (same(name, "proto"))
        ours = ours && same(trim(parameter), "io.prometheus.client.metricfamily");
      if (same(name, "encoding")) ours = ours && same(trim(parameter), "delimited");
    }
    if (same(type, "application/vnd.google.protobuf")) {
      if (ours) protobuf = std::max(protobuf, quality);
    } else if (same(type, "application/openmetrics-text")) {
      open_metrics = std::max(open_metrics, quality);
    } else if (same(type, "text/plain")) {
      plain = std::max(plain, quality);
      plain_named = true;
    } else if (!plain_named && (same(type, "text/*") || same(type, "*/*"))) {
      plain = std::max(plain, quality);
    }
  }
  if (protobuf > 0 && protobuf >= std::max(open_metrics, plain)) return ExpositionFormat::kProtobuf;
  const bool chosen = open_metrics > 0 && open_metrics >= plain;
  return chosen ? ExpositionFormat::kOpenMetrics : ExpositionFormat::kPrometheus;
}

std::string_view content_type(ExpositionFormat format) {
  if (format == ExpositionFormat::kProtobuf) {
    return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
           "encoding=delimited";
  }
  return format == ExpositionFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

std::string ExpositionWriter::valid_utf8(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = lead < 0x80                   ? 1
                         : lead >= 0xc2 && lead < 0xe0 ? 2
                         : lead >= 0xe0 && lead < 0xf0 ? 3
                         : lead >= 0xf0 && lead < 0xf5 ? 4
                                                       : 0;
    bool good = length > 0 && i + length <= text.size();
    for (std::size_t k = 1; good && k < length; ++k) {
      good = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
    }
    if (good && length >= 3) {
      const auto second = static_cast<unsigned char>(text[i + 1]);
      if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
          (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) {
        good = false;
      }
    }
    if (good) {
      out += text.substr(i, length);
      i += length;
    } else {
      out += "\xef\xbf\xbd";
      ++i;
    }
  }
  return out;
}

void ExpositionWriter::family(std::string_view name, Type type, std::string_view unit,
                              std::string_view help) {
  DUET_CHECK(unit.empty() || name.ends_with(unit));
  DUET_CHECK(!name.ends_with("_total"));
  name_ = name;
  type_ = type;
  if (format_ == ExpositionFormat::kProtobuf) return message_family(unit, help);
  constexpr std::string_view kTypes[] = {"counter", "gauge", "histogram"};
  // Prometheus names the samples, OpenMetrics the family.
  const bool suffixed = type == Type::kCounter && format_ == ExpositionFormat::kPrometheus;
  const std::string_view suffix = suffixed ? "_total" : "";
  text_ += fmt::format("# HELP {}{} ", name, suffix);
  append_escaped(text_, help, format_ == ExpositionFormat::kOpenMetrics);
  text_ += fmt::format("\n# TYPE {}{} {}\n", name, suffix, kTypes[static_cast<int>(type)]);
  if (!unit.empty() && format_ == ExpositionFormat::kOpenMetrics) {
    text_ += fmt::format("# UNIT {} {}\n", name, unit);
  }
}

void ExpositionWriter::line(std::string_view suffix, const Labels& labels,
                            std::string_view extra_label, std::string_view value) {
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  for (const auto& [name, label] : labels) {
    if (label.empty()) continue;
    text_ += separator;
    text_ += name;
    text_ += "=\"";
    append_escaped(text_, valid_utf8(label), true);
    text_ += '"';
    separator = ',';
  }
  if (!extra_label.empty()) {
    text_ += separator;
    text_ += extra_label;
    separator = ',';
  }
  if (separator == ',') text_ += '}';
  text_ += ' ';
  text_ += value;
}

void ExpositionWriter::end_line(const Exemplar* exemplar) {
  if (exemplar != nullptr && exemplar->at > 0 && format_ == ExpositionFormat::kOpenMetrics) {
    text_ += fmt::format(" # {{trace_id=\"{}\",span_id=\"{}\"}} {} {:.3f}",
                         trace_hex(exemplar->trace), span_hex(exemplar->trace),
                         number(static_cast<double>(exemplar->value) / 1e9, false),
                         static_cast<double>(exemplar->at) / 1e9);
  }
  text_ += '\n';
}

void ExpositionWriter::sample(const Labels& labels, double value) {
  if (format_ == ExpositionFormat::kProtobuf) return message_sample(labels, value);
  line(type_ == Type::kCounter ? "_total" : "", labels, {}, number(value, false));
  end_line();
}

void ExpositionWriter::sample(const Labels& labels, std::uint64_t value) {
  if (format_ == ExpositionFormat::kProtobuf) {
    return message_sample(labels, static_cast<double>(value));
  }
  line(type_ == Type::kCounter ? "_total" : "", labels, {}, std::to_string(value));
  end_line();
}

void ExpositionWriter::histogram(const Labels& labels, std::span<const std::int64_t> bounds,
                                 std::span<const std::uint64_t> cumulative, std::uint64_t count,
                                 double sum, double divisor, const More& more) {
  if (format_ == ExpositionFormat::kProtobuf) {
    return message_histogram(labels, bounds, cumulative, count, sum, divisor, more);
  }
  const auto exemplar = [&](std::size_t bucket) {
    return more.exemplars.empty() ? nullptr : &more.exemplars[bucket];
  };
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const double bound = static_cast<double>(bounds[i]) / divisor;
    line("_bucket", labels, fmt::format("le=\"{}\"", number(bound, true)),
         std::to_string(cumulative[i]));
    end_line(exemplar(i));
  }
  line("_bucket", labels, "le=\"+Inf\"", std::to_string(count));
  end_line(exemplar(bounds.size()));
  line("_sum", labels, {}, number(sum / divisor, false));
  end_line();
  line("_count", labels, {}, std::to_string(count));
  end_line();
}

std::string ExpositionWriter::finish() && {
  if (format_ == ExpositionFormat::kProtobuf) message_end();
  if (format_ == ExpositionFormat::kOpenMetrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace duet::measure
