#include "host/cli/live_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "host/base/wrap.h"

namespace duet::cli {

namespace {

constexpr std::size_t kLongestBar = 30, kShortestBar = 6;
constexpr std::size_t kLongestName = 28, kShortestName = 8;
constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

constexpr std::string_view kBarColor = "\x1b[36m", kTroubleColor = "\x1b[31m",
                           kQuietColor = "\x1b[2m", kPlainColor = "\x1b[0m";

// The first so many characters; where something is cut off, the last of them says so.
std::string cut(const std::string& text, std::size_t columns) {
  if (width_of(text) <= columns) return text;
  if (columns == 0) return "";
  std::size_t at = 0;
  for (std::size_t seen = 0; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (begins && seen++ == columns - 1) break;
  }
  return text.substr(0, at) + "…";
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::size_t used = width_of(text);
  const std::string room(width > used ? width - used : 0, ' ');
  return right ? room + text : text + room;
}

class Painter {
 public:
  explicit Painter(bool color) : color_(color) {}
  std::string operator()(std::string_view color, std::string text) const {
    if (!color_ || text.empty()) return text;
    return std::string(color) + text + std::string(kPlainColor);
  }

  // A share of `width` columns, to an eighth of one. With a ground, the rest is shown too.
  std::string bar(double share, std::size_t width, bool ground) const {
    const double clamped = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0;
    const auto eighths =
        static_cast<std::size_t>(std::lround(clamped * static_cast<double>(width) * 8));
    std::string full;
    for (std::size_t i = 0; i < eighths / 8; ++i) full += "█";
    std::size_t used = eighths / 8;
    if (eighths % 8 > 0) {
      full += kEighths[eighths % 8];
      ++used;
    }
    std::string rest;
    for (; used < width; ++used) rest += ground ? "░" : " ";
    return (*this)(kBarColor, full) + (ground ? (*this)(kQuietColor, rest) : rest);
  }

 private:
  const bool color_;
};

std::string first_line(const LivePicture& picture, std::size_t columns, const Painter& paint) {
  std::string text = picture.doing;
  std::string behind = picture.left;
  if (picture.share) {
    const auto percent = static_cast<int>(100 * std::clamp(*picture.share, 0.0, 1.0));
    behind = padded(std::to_string(percent), 3, true) + "%  " + behind;
  }
  const std::size_t words = width_of(text) + width_of(behind) + 4;
  if (picture.share && columns >= words + kShortestBar) {
    const std::size_t width = std::min(kLongestBar, columns - words);
    return text + "  " + paint.bar(*picture.share, width, true) + "  " + behind;
  }
  return cut(text + "  " + behind, columns);
}

}  // namespace

std::vector<std::string> live_lines(const LivePicture& picture, const LiveSpace& space) {
  const std::size_t columns = std::max<std::size_t>(space.columns, 2) - 1;
  const std::size_t most = std::max<std::size_t>(space.rows, 2) - 1;
  const Painter paint(space.color);
  std::vector<std::string> lines{first_line(picture, columns, paint)};

  std::size_t names = 0, troubles = 0, number = 0;
  std::vector<std::size_t> widths;
  bool bars = false;
  for (const LivePicture::Row& row : picture.rows) {
    names = std::max(names, width_of(row.name));
    troubles = std::max(troubles, width_of(row.trouble));
    bars = bars || row.bar > 0;
    widths.resize(std::max(widths.size(), row.cells.size()));
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(row.cells[i]));
    }
  }
  names = std::min(names, std::clamp(columns / 3, kShortestName, kLongestName));
  // What fits, in the order of importance: the name, trouble, figures, a bar.
  std::size_t used = 2 + names + (troubles > 0 ? 2 + troubles : 0);
  while (number < widths.size() && used + 2 + widths[number] <= columns) {
    used += 2 + widths[number++];
  }
  const bool room = columns >= used + 2 + kShortestBar && number == widths.size();
  const std::size_t bar = bars && room ? std::min(kLongestBar, columns - used - 2) : 0;

  for (const LivePicture::Row& row : picture.rows) {
    if (lines.size() + 1 == most && &row != &picture.rows.back()) {
      const std::size_t more = picture.rows.size() - (lines.size() - 1);
      lines.push_back(cut("  and " + std::to_string(more) + " more", columns));
      break;
    }
    if (lines.size() == most) break;
    std::string line = "  " + padded(cut(row.name, names), names, false);
    for (std::size_t i = 0; i < number; ++i) {
      line += "  " + padded(i < row.cells.size() ? row.cells[i] : "", widths[i], true);
    }
    if (bar > 0) line += "  " + paint.bar(row.bar, bar, false);
    const std::size_t left = columns > width_of(line) + 2 ? columns - width_of(line) - 2 : 0;
    if (!row.trouble.empty() && left > 0) {
      line += "  " + paint(kTroubleColor, cut(row.trouble, left));
    }
    if (width_of(line) > columns) line = cut("  " + row.name, columns);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace duet::cli
