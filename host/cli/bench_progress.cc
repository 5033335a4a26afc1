#include "host/cli/bench_progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "host/measure/table.h"

namespace duet::cli {

namespace {

constexpr Nanos kFirstLine = kSecond, kLineEvery = 5 * kSecond;
constexpr int kBarWidth = 24;

bool is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && (term == nullptr || std::string_view(term) != "dumb");
}

std::size_t columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// The first `columns` characters of a line of single-width characters.
std::string_view cut(std::string_view line, std::size_t columns) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xc0) == 0x80) continue;
    if (seen++ == columns) return line.substr(0, i);
  }
  return line;
}

}  // namespace

BenchProgress::BenchProgress(std::vector<std::string> names, std::string command)
    : names_(std::move(names)),
      command_(std::move(command)),
      terminal_(is_terminal()),
      next_line_(kFirstLine) {}

void BenchProgress::note(const std::string& line) {
  clear();
  std::fprintf(stderr, "duet %s: %s\n", command_.c_str(), line.c_str());
}

void BenchProgress::clear() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
  std::fflush(stderr);
}

std::string BenchProgress::figures(const bench::Generator& generator) const {
  std::string text;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const auto live = generator.live(static_cast<std::uint16_t>(i));
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", names_[i],
                        live.p50 == bench::kNever ? "-" : measure::format_duration(live.p50));
    if (live.p99 != bench::kNever) text += "/" + measure::format_duration(live.p99);
    if (live.failed > 0) text += fmt::format(" {} failed", measure::format_count(live.failed));
  }
  return text;
}

void BenchProgress::show(const bench::Generator& generator, Nanos elapsed, Nanos length) {
  elapsed = std::clamp<Nanos>(elapsed, 0, length);
  const double share = static_cast<double>(elapsed) / static_cast<double>(length);
  const std::string left = measure::format_duration(length - elapsed);
  if (terminal_) {
    const int full = static_cast<int>(share * kBarWidth);
    std::string bar;
    for (int i = 0; i < kBarWidth; ++i) bar += i < full ? "█" : "░";
    draw(fmt::format("{} {:3.0f}%  {} left  p50/p99 {}", bar, 100 * share, left,
                     figures(generator)));
  } else if (elapsed >= next_line_) {
    note(fmt::format("{:.0f}%, {} left; p50/p99 {}", 100 * share, left, figures(generator)));
    next_line_ += kLineEvery;
  }
}

void BenchProgress::draw(const std::string& line) {
  const std::string_view shown = cut(line, columns() - 1);
  std::fprintf(stderr, "\r%.*s\x1b[K", static_cast<int>(shown.size()), shown.data());
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace duet::cli
