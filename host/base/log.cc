#include "host/base/log.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "host/base/clock.h"
#include "host/base/log_line.h"

namespace duet::log {
namespace {

// How long a line may wait for a reader that does not read, when standard error is non-blocking
// (Node makes it so for pipes). After it the line is dropped and counted, and the next ones do not
// wait until something gets out again: a stalled log collector must not stop requests. 100 ms is
// far above any scheduling delay of a living reader.
constexpr int kStallMilliseconds = 100;
// A line may grow its buffer (a long stack); more than this is given back after it.
constexpr std::size_t kKeptBuffer = 64 * 1024;

enum class Style : int { kUnset, kPlainText, kColorText, kJson };

std::atomic<Style> g_style{Style::kUnset};
std::atomic<Level> g_least{Level::kInfo};

std::mutex g_mutex;        // guards what follows, and makes lines of several writes whole
std::string g_unfinished;  // the rest of a line that was cut by a full pipe: goes out first
std::size_t g_lost = 0;    // lines dropped since the last one that was written
bool g_stalled = false;    // the last write found no room, and waited for it in vain

bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org: set and not empty
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && (term == nullptr || std::strcmp(term, "dumb") != 0);
}

Style style_for(Format format) {
  if (format == Format::kAuto) {
    format = isatty(STDERR_FILENO) == 1 ? Format::kText : Format::kJson;
  }
  if (format == Format::kJson) return Style::kJson;
  return wants_color() ? Style::kColorText : Style::kPlainText;
}

Style current_style() {
  Style style = g_style.load(std::memory_order_relaxed);
  if (style == Style::kUnset) {
    style = style_for(Format::kAuto);
    g_style.store(style, std::memory_order_relaxed);
  }
  return style;
}

void append_line(std::string& out, const Line& line, Style style) {
  if (style == Style::kJson) {
    append_json(out, line);
  } else {
    append_text(out, line, style == Style::kColorText);
  }
}

// Writes to standard error until all is out, or nobody takes it. Returns the bytes written;
// `broken` is set when there is no reader any more.
std::size_t write_some(std::string_view bytes, bool& broken) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n = ::write(STDERR_FILENO, bytes.data() + written, bytes.size() - written);
    if (n >= 0) {
      written += static_cast<std::size_t>(n);
      g_stalled = false;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      broken = true;
      break;
    }
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (g_stalled || poll(&ready, 1, kStallMilliseconds) == 0) {  // interrupted: tries again
      g_stalled = true;
      break;
    }
  }
  return written;
}

// False when the rest of an earlier line still does not get out.
bool finish_earlier_line() {
  if (g_unfinished.empty()) return true;
  bool broken = false;
  g_unfinished.erase(0, write_some(g_unfinished, broken));
  if (broken) g_unfinished.clear();
  return g_unfinished.empty();
}

void put(std::string& text, Style style) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  if (!finish_earlier_line()) {
    ++g_lost;
    return;
  }
  if (g_lost >
      0) {  // said together with the first line that gets out: alone it might fill the rest
    const std::string count = std::to_string(g_lost);
    const Field field{"lines", count};
    std::string report;
    append_line(
        report,
        {wall_now(), Level::kWarn, "log lines were lost: standard error was not read", &field, 1},
        style);
    text.insert(0, report);
  }
  bool broken = false;
  const std::size_t written = write_some(text, broken);
  if (broken) return;
  if (written == 0) {
    ++g_lost;
    return;
  }
  g_lost = 0;
  if (written < text.size()) g_unfinished = text.substr(written);
}

}  // namespace

void configure(Format format, Level least) {
  tzset();  // localtime_r need not do it
  g_style.store(style_for(format), std::memory_order_relaxed);
  g_least.store(least, std::memory_order_relaxed);
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (level < g_least.load(std::memory_order_relaxed)) return;
  thread_local std::string buffer;
  const Style style = current_style();
  buffer.clear();
  append_line(buffer, {wall_now(), level, message, fields.begin(), fields.size()}, style);
  put(buffer, style);
  if (buffer.capacity() > kKeptBuffer) std::string().swap(buffer);
}

}  // namespace duet::log
