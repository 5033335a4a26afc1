#include "host/measure/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace duet::measure {
namespace {

constexpr std::size_t kNameWidth = 20;
constexpr std::size_t kWide = 100;  // what all columns of the widest table take
constexpr std::string_view kNothing = "·";
// In the order in which a request meets them.
constexpr Phase kShown[] = {Phase::kQueue, Phase::kParse, Phase::kGil,  Phase::kRun,
                            Phase::kAwait, Phase::kReady, Phase::kPool, Phase::kWrite};

class Text {
 public:
  explicit Text(const TableStyle& style) : style_(style) {}

  void heading(const std::string& line) {
    text_ += style_.color ? fmt::format("\033[1m{}\033[0m\n", line) : line + "\n";
  }
  void line(const std::string& line) { text_ += line + "\n"; }
  void dim(const std::string& line) {
    text_ += style_.color ? fmt::format("\033[2m{}\033[0m\n", line) : line + "\n";
  }
  void gap() {
    if (!text_.empty()) text_ += "\n";
  }
  std::string take() { return std::move(text_); }
  bool narrow() const { return style_.columns < kWide; }

 private:
  const TableStyle& style_;
  std::string text_;
};

// Names of handlers come from file names: cut to `width` code points, marked where cut.
std::string cut(std::string_view name, std::size_t width) {
  std::size_t points = 0;
  std::size_t last = 0;  // where the last point that still fits before a mark begins
  for (std::size_t i = 0; i < name.size(); ++i) {
    if ((static_cast<unsigned char>(name[i]) & 0xc0) == 0x80) continue;
    if (points == width - 1) last = i;
    if (++points > width) return std::string(name.substr(0, last)) + "…";
  }
  return std::string(name);
}

// A route is told from others by how it ends, so it is its middle that is left out.
std::string cut_route(std::string_view route, std::size_t width) {
  const std::size_t kept = width / 2;  // of its end
  std::size_t points = 0, end = route.size();
  for (std::size_t i = route.size(); i > 0;) {
    if ((static_cast<unsigned char>(route[--i]) & 0xc0) == 0x80) continue;
    if (++points == kept) end = i;
  }
  if (points <= width) return std::string(route);
  return cut(route.substr(0, end), width - kept) + std::string(route.substr(end));
}

std::string_view language_title(std::string_view language) {
  if (language == "javascript") return "JavaScript";
  if (language == "python") return "Python";
  if (language == "native") return "C++";
  return language;
}

std::string cell(Nanos duration) {
  return duration == 0 ? std::string(kNothing) : format_duration(duration);
}

Nanos each(Nanos sum, std::uint64_t requests) {
  return requests == 0 ? 0 : sum / static_cast<Nanos>(requests);
}

// fmt counts code points, so "µ" and "…" do not shift columns.
std::string row(std::string_view name, std::size_t name_width,
                const std::vector<std::string>& cells, int width) {
  std::string line = fmt::format("{:<{}}", cut(name, name_width), name_width);
  for (const std::string& text : cells) line += fmt::format(" {:>{}}", text, width);
  return line;
}

void requests_part(Text& text, const Snapshot& shot, const std::vector<HandlerIndex>& busy) {
  // Narrow: without the language, which the name mostly says, and without p90.
  const auto line = [&](std::string_view name, std::string_view language, std::string requests,
                        std::string errors, std::string p50, std::string p90, std::string p99,
                        std::string max, std::string cpu) {
    std::string out = fmt::format("{:<{}}", cut(name, kNameWidth), kNameWidth);
    if (!text.narrow()) out += fmt::format(" {:<10}", language);
    out += fmt::format(" {:>10} {:>7} {:>8}", requests, errors, p50);
    if (!text.narrow()) out += fmt::format(" {:>8}", p90);
    return out + fmt::format(" {:>8} {:>9} {:>9}", p99, max, cpu);
  };
  text.heading(
      line("handler", "language", "requests", "errors", "p50", "p90", "p99", "max", "CPU each"));
  for (const HandlerIndex h : busy) {
    const HandlerSnapshot& one = shot.handlers[h];
    text.line(line(one.labels.name, language_title(one.labels.language), format_count(one.requests),
                   format_count(one.errors()), format_duration(one.total.p50),
                   format_duration(one.total.p90), format_duration(one.total.p99),
                   format_duration(one.total.max), format_duration(each(one.cpu(), one.requests))));
  }
}

// The routes inside applications, below each other: what people know their services by.
void routes_part(Text& text, const Snapshot& shot, const std::vector<HandlerIndex>& busy) {
  constexpr std::size_t kMost = 20;  // of a handler; the others are in /api/handlers
  const std::size_t route_width = text.narrow() ? 21 : 38;
  for (const HandlerIndex h : busy) {
    const HandlerSnapshot& one = shot.handlers[h];
    if (one.inner_routes.empty()) continue;
    text.gap();
    const std::string title = cut("routes of " + one.labels.name, route_width);
    text.heading(fmt::format("{:<{}} {:>10} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7}", title,
                             route_width, "requests", "errors", "p50", "p99", "run", "await",
                             "pool"));
    std::uint64_t left_out = 0;
    for (std::size_t i = 0; i < one.inner_routes.size(); ++i) {
      const InnerRouteSnapshot& route = one.inner_routes[i];
      if (i >= kMost) {
        left_out += route.requests;
        continue;
      }
      const auto median = [&route](Phase phase) {
        return cell(route.phases[static_cast<int>(phase)].p50);
      };
      const std::string name =
          route.method.empty() ? route.pattern : route.method + " " + route.pattern;
      text.line(fmt::format("{:<{}} {:>10} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7}",
                            cut_route(name, route_width), route_width, format_count(route.requests),
                            format_count(route.errors), format_duration(route.total.p50),
                            format_duration(route.total.p99), median(Phase::kRun),
                            median(Phase::kAwait), median(Phase::kPool)));
    }
    if (left_out > 0) {
      text.dim(fmt::format("{} further routes had {} requests", one.inner_routes.size() - kMost,
                           format_count(left_out)));
    }
  }
}

void phases_part(Text& text, const Snapshot& shot, const std::vector<HandlerIndex>& busy) {
  std::vector<std::string> names;
  for (const Phase phase : kShown) names.emplace_back(phase_name(phase));
  names.emplace_back("gc");
  const std::size_t name_width = text.narrow() ? 17 : kNameWidth;
  const int width = text.narrow() ? 6 : 7;
  text.heading(row("median of a phase", name_width, names, width));
  for (const HandlerIndex h : busy) {
    const HandlerSnapshot& one = shot.handlers[h];
    std::vector<std::string> cells;
    for (const Phase phase : kShown) cells.push_back(cell(one.phase(phase).p50));
    cells.push_back(cell(one.gc.p50));
    text.line(row(one.labels.name, name_width, cells, width));
  }
}

void cpu_part(Text& text, const Snapshot& shot) {
  const CpuSnapshot& cpu = shot.cpu;
  const double process = static_cast<double>(std::max<Nanos>(1, cpu.process()));
  const auto share = [&](Nanos part) {
    return fmt::format("{:.1f}%", 100 * static_cast<double>(part) / process);
  };
  text.dim(
      fmt::format("CPU {} in {}: handlers {}, engines' threads {}, loop {}, start {}, other {}",
                  format_duration(cpu.process()), format_duration(shot.uptime), share(cpu.handlers),
                  share(cpu.engines), share(cpu.loop), share(cpu.starting), share(cpu.other)));
}

// "memory 45 MiB; JavaScript heap 12 MiB, 34 collections in 51 ms; Python 3 collections in 1.2 ms".
void memory_part(Text& text, const Snapshot& shot) {
  std::string line = "memory " + format_bytes(shot.process.resident_bytes);
  for (const EngineSnapshot& engine : shot.engines) {
    if (engine.heap_used < 0 && engine.gc_count <= 0) continue;
    line += fmt::format("; {}", language_title(engine.name));
    if (engine.heap_used >= 0) line += " heap " + format_bytes(engine.heap_used);
    if (engine.gc_count > 0) {
      line += fmt::format("{} {} collections in {}", engine.heap_used >= 0 ? "," : "",
                          format_count(static_cast<std::uint64_t>(engine.gc_count)),
                          format_duration(std::max<Nanos>(0, engine.gc_time)));
    }
  }
  text.dim(line);
}

}  // namespace

std::string format_duration(Nanos duration) {
  if (duration == 0) return "0";
  if (duration < 0) return "-" + format_duration(-duration);
  if (duration < 1000) return fmt::format("{} ns", duration);
  const auto scaled = [&](double unit, std::string_view name) {
    const double value = static_cast<double>(duration) / unit;
    return value < 9.95 ? fmt::format("{:.1f} {}", value, name)
                        : fmt::format("{:.0f} {}", value, name);
  };
  if (duration < 999'500) return scaled(1e3, "µs");
  if (duration < 999'500'000) return scaled(1e6, "ms");
  if (duration < 100 * kSecond)
    return fmt::format("{:.1f} s", static_cast<double>(duration) * 1e-9);
  const Nanos seconds = (duration + kSecond / 2) / kSecond;
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string format_bytes(std::int64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  constexpr std::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (value /= 1024; value >= 1023.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return value < 9.95 ? fmt::format("{:.1f} {}", value, kUnits[unit])
                      : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

std::vector<std::string> blame_lines(const Snapshot& snapshot, std::size_t most) {
  struct Pair {
    Nanos waited;
    const HandlerSnapshot* waiting;
    const HandlerSnapshot* holding;
  };
  std::vector<Pair> pairs;
  for (const HandlerSnapshot& waiting : snapshot.handlers) {
    const Nanos least = std::max(kMillisecond, waiting.total.sum / 1000);
    for (std::size_t h = 0; h < waiting.waited_for.size(); ++h) {
      if (waiting.waited_for[h] >= least) {
        pairs.push_back({waiting.waited_for[h], &waiting, &snapshot.handlers[h]});
      }
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.waited > b.waited; });
  if (pairs.size() > most) pairs.resize(most);
  std::vector<std::string> lines;
  for (const Pair& pair : pairs) {
    lines.push_back(fmt::format("{} waited {} because of {} ({} a request)",
                                cut(pair.waiting->labels.name, 30), format_duration(pair.waited),
                                cut(pair.holding->labels.name, 30),
                                format_duration(each(pair.waited, pair.waiting->requests))));
  }
  return lines;
}

std::string summary_table(const Snapshot& snapshot, const TableStyle& style) {
  std::vector<HandlerIndex> busy;
  for (HandlerIndex h = 0; h < snapshot.handlers.size(); ++h) {
    if (snapshot.handlers[h].requests > 0) busy.push_back(h);
  }
  Text text(style);
  if (busy.empty()) {
    text.dim("No handler had a request.");
  } else {
    requests_part(text, snapshot, busy);
    text.gap();
    phases_part(text, snapshot, busy);
    routes_part(text, snapshot, busy);
    if (const auto lines = blame_lines(snapshot); !lines.empty()) {
      text.gap();
      for (const std::string& line : lines) text.line(line);
    }
    text.gap();
  }
  if (snapshot.unrouted.requests > 0) {
    text.dim(fmt::format("{} request{} reached no handler (no route, wrong method, or malformed)",
                         format_count(snapshot.unrouted.requests),
                         snapshot.unrouted.requests == 1 ? "" : "s"));
  }
  cpu_part(text, snapshot);
  memory_part(text, snapshot);
  return text.take();
}

}  // namespace duet::measure
