// Drawings for html.h: lines with bands, and intervals in rows. Colours come from the page's style,
// so one drawing serves light and dark. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace duet::report {

// What is drawn of one thing has one of these colours, whatever the drawing; the lines of the later
// four are dashed as well, because so many colours are hard to tell apart.
inline constexpr int kColours = 8;

// How an axis' values are written: multiplied by `scale`, with `suffix` ("%", " ms").
struct Axis {
  std::string label;
  std::string suffix;
  double scale = 1;
  bool log = false;            // all values must be > 0; others are left out
  std::optional<double> mark;  // a line across the drawing there: 0, or a ratio of 1
  // As far as it goes: what lies beyond is drawn at the edge. None: as far as the values do.
  std::optional<double> low, high;
  // The values written at the axis; none: round ones are chosen.
  std::vector<double> ticks;
};

struct LinePoint {
  double x = 0, y = 0;
  double low = 0, high = 0;  // the band; equal to y where there is none
};

struct Line {
  std::string name;                // text
  std::vector<LinePoint> points;   // in ascending x; what is not finite is left out
  std::optional<int> colour = {};  // below kColours; none: by its place
};

struct LinePlot {
  Axis x, y;
  std::vector<Line> lines;  // at most kColours
  std::string description;  // for those who cannot see it
};
// Nothing to draw gives a drawing that says so.
std::string draw(const LinePlot& plot);

// One row: a value with its interval. An infinite end is drawn as an arrow out of the picture.
struct Range {
  std::string name;  // text
  double low = 0, high = 0;
  std::optional<double> value;
  std::string text;  // to the right of it: the numbers in words
  int colour = 0;    // as lines have them
};

struct RangePlot {
  Axis x;
  std::vector<Range> rows;
  std::string description;
};
std::string draw(const RangePlot& plot);

// Round values, ascending, that cover [low, high] in about `wanted` steps; powers of ten with 2 and
// 5 between them when `log`. For axes.
std::vector<double> ticks(double low, double high, int wanted, bool log);

}  // namespace duet::report
