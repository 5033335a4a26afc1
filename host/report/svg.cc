#include "host/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "host/report/html.h"

namespace duet::report {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kWidth = 840;

// The class of a line.
std::string stroke(int colour) {
  return fmt::format("c{}{}", colour, colour < kColours / 2 ? "" : " dash");
}

std::string shown(const Axis& axis, double value) {
  const double scaled = value * axis.scale;
  std::string text = fmt::format("{:.4g}", std::abs(scaled) < 1e-12 ? 0.0 : scaled);
  return text + axis.suffix;
}

// From values to places of the drawing.
class Scale {
 public:
  Scale(double low, double high, double from, double to, bool log)
      : low_(log ? std::log(low) : low),
        high_(log ? std::log(high) : high),
        from_(from),
        to_(to),
        log_(log) {
    if (high_ <= low_) high_ = low_ + 1;
  }
  double at(double value) const {
    const double v = log_ ? std::log(value) : value;
    return from_ + (to_ - from_) * (v - low_) / (high_ - low_);
  }
  double clamped(double value) const {
    if (log_ && value <= 0) return std::min(from_, to_);
    return std::clamp(at(value), std::min(from_, to_), std::max(from_, to_));
  }

 private:
  double low_, high_, from_, to_;
  bool log_;
};

bool drawable(double value, bool log) { return std::isfinite(value) && (!log || value > 0); }

struct Extent {
  double low = kInfinity, high = -kInfinity;
  void add(double value, bool log) {
    if (!drawable(value, log)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  // A little air, so that no line lies on the frame.
  void widen(bool log) {
    if (log) {
      low /= 1.05;
      high *= 1.05;
      return;
    }
    const double air = high > low ? 0.05 * (high - low) : std::max(1e-9, std::abs(low) * 0.1);
    low -= air;
    high += air;
  }
};

std::string open_svg(double height, const std::string& description) {
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", kWidth, height,
                     escape(description));
}

std::string text_at(double x, double y, const char* anchor, const std::string& text,
                    const char* name = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>", x, y, anchor,
                     *name != '\0' ? fmt::format(" class=\"{}\"", name) : std::string(),
                     escape(text));
}

std::string rule(double x1, double y1, double x2, double y2, const std::string& name) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>",
                     x1, y1, x2, y2, name);
}

std::string nothing_to_draw() {
  return open_svg(60, "no data") + text_at(kWidth / 2, 35, "middle", "No data yet.") + "</svg>";
}

std::vector<double> ticks_of(const Axis& axis, const Extent& extent, int wanted) {
  std::vector<double> found =
      axis.ticks.empty() ? ticks(extent.low, extent.high, wanted, axis.log) : axis.ticks;
  std::erase_if(found, [&](double t) { return t < extent.low || t > extent.high; });
  return found;
}

}  // namespace

std::vector<double> ticks(double low, double high, int wanted, bool log) {
  std::vector<double> found;
  if (!(high > low) || wanted < 1 || (log && low <= 0)) return found;
  if (log) {
    const double first = std::floor(std::log10(low)), last = std::ceil(std::log10(high));
    if (last - first > 2.5 || high / low > 8) {
      const bool dense = last - first <= 3;
      for (double e = first; e <= last; ++e) {
        for (const double m : {1.0, 2.0, 5.0}) {
          const double value = m * std::pow(10, e);
          if (value >= low && value <= high && (dense || m == 1.0)) found.push_back(value);
        }
      }
      return found;
    }
  }
  const double raw = (high - low) / wanted;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double factor = raw / power;
  const double step = power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
  for (double k = std::ceil(low / step); k * step <= high; ++k) found.push_back(k * step);
  return found;
}

// Names with their colours, flush right in rows; the label of the axis has the left of the first.
class Legend {
 public:
  static constexpr double kRow = 18, kRight = kWidth - 20, kLeft = 260, kKey = 46;

  void add(const std::string& name, int colour) {
    const double width = 7.0 * static_cast<double>(name.size()) + kKey;  // about the text's
    if (rows_.empty() || width_ + width > kRight - kLeft) {
      rows_.emplace_back();
      width_ = 0;
    }
    width_ += width;
    rows_.back().push_back({name, width, colour});
  }
  double height() const { return kRow * static_cast<double>(rows_.size()); }
  std::string draw() const {
    std::string out;
    double y = 14;
    for (const auto& row : rows_) {
      double at = kRight;
      for (auto one = row.rbegin(); one != row.rend(); ++one) {
        out += text_at(at, y, "end", one->name, "label");
        at -= one->width;
        out += rule(at + 14, y - 4, at + kKey - 11, y - 4, "key " + stroke(one->colour));
      }
      y += kRow;
    }
    return out;
  }

 private:
  struct Entry {
    std::string name;
    double width;
    int colour;
  };
  std::vector<std::vector<Entry>> rows_;
  double width_ = 0;  // of the last row
};

std::string draw(const LinePlot& plot) {
  constexpr double kPlot = 240, kLeft = 70, kRight = 20, kBottom = 46;
  Extent xs, ys;
  for (const Line& line : plot.lines) {
    for (const LinePoint& point : line.points) {
      if (!drawable(point.x, plot.x.log) || !drawable(point.y, plot.y.log)) continue;
      xs.add(point.x, plot.x.log);
      for (const double y : {point.y, point.low, point.high}) ys.add(y, plot.y.log);
    }
  }
  if (xs.empty() || ys.empty()) return nothing_to_draw();
  if (plot.y.mark) ys.add(*plot.y.mark, plot.y.log);
  ys.low = std::max(ys.low, plot.y.low.value_or(ys.low));
  ys.high = std::min(ys.high, plot.y.high.value_or(ys.high));
  ys.widen(plot.y.log);
  const auto colour_of = [&plot](std::size_t i) {
    return plot.lines[i].colour.value_or(static_cast<int>(i)) % kColours;
  };
  Legend legend;
  for (std::size_t i = 0; i < plot.lines.size() && plot.lines.size() > 1; ++i) {
    legend.add(plot.lines[i].name, colour_of(i));
  }
  const double top = 16 + std::max(Legend::kRow, legend.height());
  const double height = top + kPlot + kBottom;
  const Scale x(xs.low, xs.high, kLeft, kWidth - kRight, plot.x.log);
  const Scale y(ys.low, ys.high, height - kBottom, top, plot.y.log);

  std::string out = open_svg(height, plot.description);
  for (const double tick : ticks_of(plot.y, ys, 5)) {
    out += rule(kLeft, y.at(tick), kWidth - kRight, y.at(tick), "grid");
    out += text_at(kLeft - 8, y.at(tick) + 4, "end", shown(plot.y, tick));
  }
  double last = -kInfinity;
  for (const double tick : ticks_of(plot.x, xs, 8)) {
    const double at = x.at(tick);
    if (at - last < 38) continue;  // labels must not run into each other
    last = at;
    out += text_at(at, height - kBottom + 18, "middle", shown(plot.x, tick));
  }
  out += text_at((kLeft + kWidth - kRight) / 2, height - 8, "middle", plot.x.label);
  out += text_at(8, 14, "start", plot.y.label);
  if (plot.y.mark) {
    out += rule(kLeft, y.at(*plot.y.mark), kWidth - kRight, y.at(*plot.y.mark), "zero");
  }
  if (plot.x.mark && *plot.x.mark > xs.low && *plot.x.mark < xs.high) {
    out += rule(x.at(*plot.x.mark), top, x.at(*plot.x.mark), height - kBottom, "zero");
  }
  for (std::size_t i = 0; i < plot.lines.size(); ++i) {
    const int colour = colour_of(i);
    std::vector<LinePoint> points;
    for (const LinePoint& point : plot.lines[i].points) {
      if (drawable(point.x, plot.x.log) && drawable(point.y, plot.y.log)) points.push_back(point);
    }
    std::string band, line;
    bool banded = false;
    for (const LinePoint& p : points) {
      band += fmt::format("{:.1f},{:.1f} ", x.at(p.x), y.clamped(p.high));
      line += fmt::format("{:.1f},{:.1f} ", x.at(p.x), y.clamped(p.y));
      banded = banded || p.low < p.high;
    }
    for (auto p = points.rbegin(); p != points.rend(); ++p) {
      band += fmt::format("{:.1f},{:.1f} ", x.at(p->x), y.clamped(p->low));
    }
    if (banded) out += fmt::format("<polygon class=\"band f{}\" points=\"{}\"/>", colour, band);
    out += fmt::format("<polyline class=\"line {}\" points=\"{}\"/>", stroke(colour), line);
  }
  return out + legend.draw() + "</svg>";
}

namespace {

constexpr double kCharacter = 6.8;        // its mean width, at 12 px
constexpr std::size_t kLongestName = 52;  // in one line

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

// A long name is broken at the space that is nearest to its middle.
std::pair<std::string, std::string> in_two_lines(const std::string& name) {
  if (characters(name) <= kLongestName) return {name, ""};
  const std::size_t middle = name.size() / 2;
  const std::size_t before = name.rfind(' ', middle), after = name.find(' ', middle);
  const bool earlier = after == std::string::npos ||
                       (before != std::string::npos && middle - before < after - middle);
  const std::size_t at = earlier ? before : after;
  if (at == std::string::npos) return {name, ""};
  return {name.substr(0, at), name.substr(at + 1)};
}

double room_for_names(const std::vector<Range>& rows) {
  constexpr double kLeast = 200, kMost = 400, kMargin = 24;
  std::size_t longest = 0;
  for (const Range& row : rows) {
    const auto [first, second] = in_two_lines(row.name);
    longest = std::max({longest, characters(first), characters(second)});
  }
  return std::clamp(kMargin + kCharacter * static_cast<double>(longest), kLeast, kMost);
}

}  // namespace

std::string draw(const RangePlot& plot) {
  constexpr double kRight = 190, kTop = 12, kRow = 30, kBottom = 46;
  const double left = room_for_names(plot.rows);
  Extent xs;
  for (const Range& row : plot.rows) {
    for (const double value : {row.low, row.high, row.value.value_or(row.low)}) {
      xs.add(value, plot.x.log);
    }
  }
  if (xs.empty()) return nothing_to_draw();
  if (plot.x.mark) xs.add(*plot.x.mark, plot.x.log);
  xs.widen(plot.x.log);
  const double height = kTop + kRow * static_cast<double>(plot.rows.size()) + kBottom;
  const double floor = height - kBottom;
  const Scale x(xs.low, xs.high, left, kWidth - kRight, plot.x.log);

  std::string out = open_svg(height, plot.description);
  double last = -kInfinity;
  for (const double tick : ticks_of(plot.x, xs, 6)) {
    out += rule(x.at(tick), kTop, x.at(tick), floor, "grid");
    if (x.at(tick) - last < 42) continue;
    last = x.at(tick);
    out += text_at(x.at(tick), floor + 18, "middle", shown(plot.x, tick));
  }
  out += text_at((left + kWidth - kRight) / 2, height - 8, "middle", plot.x.label);
  if (plot.x.mark) out += rule(x.at(*plot.x.mark), kTop, x.at(*plot.x.mark), floor, "zero");
  for (std::size_t i = 0; i < plot.rows.size(); ++i) {
    const Range& row = plot.rows[i];
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    const int colour = row.colour % kColours;
    const bool open_below = !drawable(row.low, plot.x.log), open_above = !std::isfinite(row.high);
    const double from = open_below ? left : x.clamped(row.low);
    const double to = open_above ? kWidth - kRight : x.clamped(row.high);
    const auto [first, second] = in_two_lines(row.name);
    out += text_at(left - 12, second.empty() ? y + 4 : y - 3, "end", first, "label");
    if (!second.empty()) out += text_at(left - 12, y + 11, "end", second, "label");
    out += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"line c{}\"/>", from,
        y, to, y, colour);
    const auto end = [&](bool open, double at, double way) {
      if (open) {
        out += fmt::format(
            "<path class=\"line c{}\" d=\"M{:.1f},{:.1f} l{:.1f},5 M{:.1f},{:.1f} "
            "l{:.1f},-5\"/>",
            colour, at, y, way, at, y, way);
      } else {
        out += fmt::format(
            "<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" "
            "class=\"line c{3}\"/>",
            at, y - 5, y + 5, colour);
      }
    };
    end(open_below, from, 6);
    end(open_above, to, -6);
    if (row.value && drawable(*row.value, plot.x.log)) {
      out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" class=\"f{}\"/>",
                         x.clamped(*row.value), y, colour);
    }
    out += text_at(kWidth - kRight + 14, y + 4, "start", row.text);
  }
  return out + "</svg>";
}

}  // namespace duet::report
