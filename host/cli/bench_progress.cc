#include "host/cli/bench_progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "host/base/wrap.h"
#include "host/cli/bench_cells.h"
#include "host/cli/terminal.h"
#include "host/measure/table.h"

namespace duet::cli {

namespace {

using measure::format_count;
using measure::format_duration;

constexpr Nanos kFirstLine = kSecond, kLineEvery = 5 * kSecond;
constexpr std::uint32_t kStartsALine = 5;

bool is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && (term == nullptr || std::string_view(term) != "dumb");
}

// Asked each time: windows change.
LiveSpace space(bool color) {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  LiveSpace space;
  space.color = color;
  if (known) space.columns = size.ws_col;
  if (known && size.ws_row > 0) space.rows = size.ws_row;
  return space;
}

std::string left_text(Nanos left) { return format_duration(left) + " left"; }

}  // namespace

BenchProgress::BenchProgress(std::vector<std::string> names, Nanos warmup, std::string command)
    : names_(std::move(names)),
      warmup_(warmup),
      command_(std::move(command)),
      terminal_(is_terminal()),
      color_(wants_color(STDERR_FILENO)),
      begun_(now()),
      next_line_(kFirstLine) {}

void BenchProgress::note(const std::string& line) {
  clear();
  const std::string text = "duet " + command_ + ": " + line + "\n";
  std::fputs(fitted(text, STDERR_FILENO).c_str(), stderr);
}

// Back to the first line of what was drawn, which a narrower window has wrapped meanwhile.
std::string BenchProgress::to_top() const {
  const std::size_t columns = space(false).columns;
  std::size_t lines = 0;
  for (const std::size_t width : drawn_) lines += (width - 1) / columns + 1;
  return lines > 1 ? fmt::format("\r\x1b[{}A", lines - 1) : "\r";
}

void BenchProgress::clear() {
  if (!drawn_.empty()) std::fputs((to_top() + "\x1b[J").c_str(), stderr);
  drawn_.clear();
  std::fflush(stderr);
}

void BenchProgress::draw(const LivePicture& picture) {
  std::string text = drawn_.empty() ? "" : to_top();
  drawn_.clear();
  for (const std::string& line : live_lines(picture, space(color_))) {
    text += (drawn_.empty() ? "" : "\n") + line + "\x1b[K";
    drawn_.push_back(std::max<std::size_t>(1, width_of(line)));
  }
  text += "\x1b[J";                  // what was below it
  std::fputs(text.c_str(), stderr);  // at once: nobody sees half a picture
  std::fflush(stderr);
}

void BenchProgress::show(const bench::Generator& generator, Nanos elapsed, Nanos length) {
  elapsed = std::clamp<Nanos>(elapsed, 0, length);
  LivePicture picture;
  picture.doing = elapsed < warmup_ ? "warming up" : "measuring";
  picture.share = static_cast<double>(elapsed) / static_cast<double>(length);
  picture.left = left_text(length - elapsed);
  std::string plain_text;
  std::vector<bench::Generator::Live> all;
  Nanos slowest = 1;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    all.push_back(generator.live(static_cast<std::uint16_t>(i)));
    slowest = std::max(slowest, all.back().p50);
  }
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const bench::Generator::Live& live = all[i];
    LivePicture::Row& row = picture.rows.emplace_back();
    row.name = names_[i];
    row.cells = {"p50 " + plain(live.p50), "p99 " + plain(live.p99),
                 format_count(live.answered) + " answered"};
    row.bar = static_cast<double>(std::max<Nanos>(0, live.p50)) / static_cast<double>(slowest);
    if (live.failed > 0) row.trouble = format_count(live.failed) + " failed";
    plain_text += fmt::format("{}{} {}", i == 0 ? "" : ", ", names_[i], plain(live.p50));
    if (live.p99 != bench::kNever) plain_text += "/" + format_duration(live.p99);
    if (live.failed > 0) plain_text += " " + row.trouble;
  }
  if (terminal_) {
    draw(picture);
  } else if (elapsed >= next_line_) {
    note(fmt::format("{:.0f}%, {}; p50/p99 {}", 100 * *picture.share, picture.left, plain_text));
    next_line_ += kLineEvery;
  }
}

void BenchProgress::show(const std::vector<bench::CapacitySearch>& searches, std::size_t turn,
                         double rate, const bench::Trial& trial) {
  if (!terminal_) {
    if (now() < next_line_) return;
    next_line_ = now() + kLineEvery;
    note(fmt::format("{}, trial {}: {:.0f} requests a second, {} of {} slower", names_[turn],
                     searches[turn].trials(), rate, trial.slow, trial.requests));
    return;
  }
  LivePicture picture;
  picture.doing = "searching";
  picture.left = format_duration((now() - begun_) / kSecond * kSecond) + " so far";
  for (std::size_t i = 0; i < searches.size(); ++i) {
    const bench::CapacitySearch& one = searches[i];
    LivePicture::Row& row = picture.rows.emplace_back();
    row.name = names_[i];
    const auto end = [](double value) { return value > 0 ? rate_text(value) : std::string("?"); };
    row.cells = {end(one.low()) + " to " + end(one.high()) + " a second", std::string(one.doing()),
                 std::to_string(one.trials()) + " trials"};
  }
  draw(picture);
}

void BenchProgress::show(std::uint32_t done, std::uint32_t starts) {
  if (!terminal_) {
    if (done > 0 && done % kStartsALine == 0) {
      note(fmt::format("{} of {} starts of each", done, starts));
    }
    return;
  }
  LivePicture picture;
  picture.doing = fmt::format("{} of {} starts of each", done, starts);
  picture.share = static_cast<double>(done) / static_cast<double>(starts);
  if (done > 0) picture.left = left_text((now() - begun_) / done * (starts - done));
  draw(picture);
}

}  // namespace duet::cli
