#include "host/bench/recording.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>

#include "host/bench/recording_builder.h"

namespace duet::bench {

namespace {

constexpr std::string_view kNotRepeated[] = {
    "host",   "content-length",      "transfer-encoding", "connection", "keep-alive", "upgrade",
    "expect", "proxy-authorization", "proxy-connection",  "te",         "trailer",
};

// Takes `digits` digits from the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + digits, value);
  if (failure != std::errc() || end != text.data() + digits || value < 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Nanos> instant(int year, int month, int day, int hour, int minute, int second) {
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24LL + hour) * 60 + minute) * 60 + second) * kSecond;
}

// "hour:minute:second", with ':' or 'T' taken before.
bool take_clock(std::string_view& text, int& hour, int& minute, int& second) {
  const auto h = take_number(text, 2);
  if (!h || !take(text, ':')) return false;
  const auto m = take_number(text, 2);
  if (!m || !take(text, ':')) return false;
  const auto s = take_number(text, 2);
  if (!s) return false;
  hour = *h;
  minute = *m;
  second = *s;
  return true;
}

// "Z", "+01:00", "+0100", or nothing: to be subtracted.
std::optional<Nanos> zone(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z") return 0;
  const bool west = text[0] == '-';
  if (!west && text[0] != '+') return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_number(text, 2);
  take(text, ':');
  const auto minutes = take_number(text, 2);
  if (!hours || !minutes || !text.empty()) return std::nullopt;
  const Nanos offset = (*hours * 60LL + *minutes) * 60 * kSecond;
  return west ? -offset : offset;
}

}  // namespace

std::optional<Nanos> parse_iso_time(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  int hour = 0, minute = 0, second = 0;
  if (!day || !(take(text, 'T') || take(text, ' ')) || !take_clock(text, hour, minute, second)) {
    return std::nullopt;
  }
  Nanos fraction = 0;
  if (take(text, '.') || take(text, ',')) {
    Nanos unit = kSecond;
    while (!text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) != 0) {
      unit /= 10;
      fraction += unit * (text[0] - '0');
      text.remove_prefix(1);
    }
  }
  const auto at = instant(*year, *month, *day, hour, minute, second);
  const auto offset = zone(text);
  if (!at || !offset) return std::nullopt;
  return *at + fraction - *offset;
}

std::optional<Nanos> parse_log_time(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto day = take_number(text, 2);
  if (!day || !take(text, '/')) return std::nullopt;
  const std::size_t month = kMonths.find(text.substr(0, 3));
  if (month % 3 != 0 || text.size() < 3) return std::nullopt;
  text.remove_prefix(3);
  if (!take(text, '/')) return std::nullopt;
  const auto year = take_number(text, 4);
  int hour = 0, minute = 0, second = 0;
  if (!year || !take(text, ':') || !take_clock(text, hour, minute, second)) return std::nullopt;
  if (!text.empty() && !take(text, ' ')) return std::nullopt;
  const auto at = instant(*year, static_cast<int>(month / 3) + 1, *day, hour, minute, second);
  const auto offset = zone(text);
  if (!at || !offset) return std::nullopt;
  return *at - *offset;
}

bool is_repeatable_field(std::string_view name) {
  if (name.starts_with(':')) return false;
  return std::none_of(std::begin(kNotRepeated), std::end(kNotRepeated), [name](auto other) {
    return std::equal(
        name.begin(), name.end(), other.begin(), other.end(),
        [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
  });
}

void RecordingBuilder::add(RequestSpec spec, std::optional<Nanos> at, const std::string& place) {
  const bool has_path = !spec.path.empty();
  RequestSpec whole = spec;
  if (!has_path) whole.path = "/";
  auto text = request_text(whole, "", true);
  if (!text) {
    leave_out(place, text.error().message);
    return;
  }
  all_timed_ &= at.has_value();
  const auto next = static_cast<std::uint32_t>(recording_.requests.size());
  const auto [found, added] = known_.emplace((has_path ? "" : " ") + text->bytes, next);
  if (added) recording_.requests.push_back(std::move(spec));
  recording_.entries.push_back({at.value_or(0), found->second});
}

void RecordingBuilder::leave_out(const std::string& place, const std::string& why) {
  if (recording_.left_out_count++ < kMostReported) {
    recording_.left_out.push_back(place + ": " + why);
  }
}

Result<Recording> RecordingBuilder::finish(Nanos resolution) {
  std::vector<Recording::Entry>& entries = recording_.entries;
  if (entries.empty()) {
    std::string detail;
    for (const std::string& one : recording_.left_out) detail += one + "\n";
    return Error{"no request in it can be sent (read as " + std::string(recording_.format) + ")",
                 {},
                 "a HAR, an access log in the common or combined format, or a JSON object a line",
                 std::move(detail)};
  }
  if (!all_timed_) {
    for (Recording::Entry& entry : entries) entry.at = 0;
    return std::move(recording_);
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  const Nanos first = entries[0].at;
  for (std::size_t from = 0, to; from < entries.size(); from = to) {
    for (to = from; to < entries.size() && entries[to].at == entries[from].at;) ++to;
    const Nanos distance = resolution / static_cast<Nanos>(to - from);
    for (std::size_t i = to; i-- > from;) {
      entries[i].at += static_cast<Nanos>(i - from) * distance - first;
    }
  }
  recording_.timed = entries.back().at > 0;
  return std::move(recording_);
}

Result<Recording> read_recording(std::string_view text, const std::string& directory) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  if (begin == text.size()) return Error{"it is empty", {}, {}, {}};
  if (text[begin] != '{') {
    RecordingBuilder builder("access log");
    read_access_log(text, builder);
    return builder.finish(kSecond);
  }
  // A HAR is one object, whose first key is "log"; of JSON lines each line is one.
  const std::size_t key = std::min(text.find_first_not_of(" \t\r\n", begin + 1), text.size());
  if (text.substr(key).starts_with("\"log\"")) {
    RecordingBuilder builder("HAR");
    if (auto read = read_har(text, builder); !read) return std::move(read).error();
    return builder.finish(0);
  }
  RecordingBuilder builder("JSON lines");
  read_json_lines(text, directory, builder);
  return builder.finish(0);
}

}  // namespace duet::bench
