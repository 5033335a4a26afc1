#include "host/config/values.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "host/base/escape.h"
#include "host/config/text.h"

namespace duet::config {
namespace {

constexpr std::string_view kDurationHint =
    "write a number and a unit: \"250ms\", \"30s\", \"1m\", or \"off\"";
constexpr std::string_view kSizeHint = "write a number and a unit: \"16KiB\", \"1MB\", \"512\"";
constexpr std::string_view kAddressHint =
    "write \"127.0.0.1:8000\", \"[::1]:8000\" or \"unix:/run/duet.sock\"";

struct Unit {
  std::string_view name;
  double scale;
};

constexpr Unit kDurationUnits[] = {
    {"ns", 1},
    {"us", kMicrosecond},
    {"µs", kMicrosecond},
    {"ms", kMillisecond},
    {"s", kSecond},
    {"sec", kSecond},
    {"m", 60.0 * kSecond},
    {"min", 60.0 * kSecond},
    {"h", 3600.0 * kSecond},
    {"d", 86400.0 * kSecond},
};
constexpr double kLongest = 366 * 86400.0 * kSecond;

constexpr Unit kSizeUnits[] = {
    {"", 1},          {"b", 1},          {"kb", 1e3},         {"mb", 1e6},
    {"gb", 1e9},      {"k", 1024},       {"kib", 1024},       {"m", 1048576},
    {"mib", 1048576}, {"g", 1073741824}, {"gib", 1073741824},
};
constexpr double kLargest = 1099511627776.0;

Error wrong(std::string message, std::string_view hint) {
  return Error{std::move(message), {}, std::string(hint), {}};
}

// "1.5 MiB" → 1.5 and "mib". False when it does not begin with a plain decimal number.
bool split_number(std::string_view text, double& number, std::string& unit) {
  std::size_t end = 0;
  while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) ++end;
  const auto parsed = std::from_chars(text.data(), text.data() + end, number);
  if (end == 0 || parsed.ec != std::errc() || parsed.ptr != text.data() + end) return false;
  unit = std::string(trimmed(text.substr(end)));
  return true;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  if (text.empty() || text.size() > 5) return false;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<Address> parse_unix(std::string_view path, std::string_view directory) {
  if (path.empty()) return wrong("the unix socket has no path", "write \"unix:/run/duet.sock\"");
  if (path.find('\0') != std::string_view::npos) {
    return wrong("the path of the unix socket holds a NUL character", "");
  }
  Address address;
  std::filesystem::path full(path);
  if (full.is_relative()) full = std::filesystem::path(directory) / full;
  address.path = full.lexically_normal().string();
  const std::size_t limit = sizeof(sockaddr_un::sun_path) - 1;
  if (address.path.size() > limit) {
    return wrong("the path of the unix socket is too long: " + std::to_string(address.path.size()) +
                     " bytes, of which the system takes " + std::to_string(limit),
                 "choose a shorter one, such as \"unix:/tmp/duet.sock\"");
  }
  return address;
}

}  // namespace

Result<Nanos> parse_duration(std::string_view text) {
  text = trimmed(text);
  if (text == "0" || text == "off") return Nanos{0};
  double number = 0;
  std::string unit;
  if (!split_number(text, number, unit)) {
    return wrong(in_quotes(text) + " is not a duration", kDurationHint);
  }
  if (unit.empty()) {
    return wrong(in_quotes(text) + " has no unit", "write \"" + std::string(text) +
                                                       "s\" for seconds, \"" + std::string(text) +
                                                       "ms\" for milliseconds");
  }
  for (const Unit& known : kDurationUnits) {
    if (lower(unit) != known.name) continue;
    const double value = number * known.scale;
    if (value > kLongest) return wrong(in_quotes(text) + " is longer than a year", kDurationHint);
    return static_cast<Nanos>(std::llround(value));
  }
  return wrong("unknown unit " + in_quotes(unit) + " in the duration " + in_quotes(text),
               "units are ms, s, m, h, d, us, ns");
}

Result<std::uint64_t> parse_size(std::string_view text) {
  text = trimmed(text);
  double number = 0;
  std::string unit;
  if (!split_number(text, number, unit)) {
    return wrong(in_quotes(text) + " is not a size", kSizeHint);
  }
  for (const Unit& known : kSizeUnits) {
    if (lower(unit) != known.name) continue;
    const double value = number * known.scale;
    if (value > kLargest) return wrong(in_quotes(text) + " is larger than 1 TiB", kSizeHint);
    return static_cast<std::uint64_t>(std::llround(value));
  }
  return wrong("unknown unit " + in_quotes(unit) + " in the size " + in_quotes(text),
               "units are KiB, MiB, GiB (1024) and KB, MB, GB (1000); none means bytes");
}

Result<Address> parse_address(std::string_view text, std::string_view directory) {
  if (text.starts_with("unix:")) return parse_unix(text.substr(5), directory);
  if (text.starts_with("/") || text.starts_with("./")) {
    return wrong(in_quotes(text) + " is not an address",
                 "for a unix socket write \"unix:" + printable(text) + "\"");
  }
  for (const std::string_view scheme : {"http://", "https://", "tcp://"}) {
    if (!text.starts_with(scheme)) continue;
    std::string_view rest = text.substr(scheme.size());
    rest = rest.substr(0, rest.find('/'));
    return wrong(in_quotes(text) + " is a URL, not an address to listen on",
                 "write \"" + printable(rest) + "\"");
  }
  if (all_digits(text)) {
    return wrong(in_quotes(text) + " has no host",
                 "write \"127.0.0.1:" + std::string(text) + "\" for this machine only, \"0.0.0.0:" +
                     std::string(text) + "\" for every interface");
  }

  Address address;
  std::string_view host;
  std::string_view port;
  if (text.starts_with("[")) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      return wrong(in_quotes(text) + " lacks the closing ']'", kAddressHint);
    }
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (port.starts_with(":")) {
      port.remove_prefix(1);
    } else if (!port.empty()) {
      return wrong("unexpected " + in_quotes(port) + " after ']' in " + in_quotes(text),
                   kAddressHint);
    }
    if (host.find(':') == std::string_view::npos) {
      return wrong(in_quotes(host) + " is not an IPv6 address",
                   "brackets are for IPv6 only: write \"" + printable(host) + ":8000\"");
    }
  } else {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
      host = text;
    } else if (text.find(':') != colon) {
      return wrong(in_quotes(text) + " is ambiguous",
                   "write IPv6 addresses in brackets: \"[::1]:8000\"");
    } else {
      host = text.substr(0, colon);
      port = text.substr(colon + 1);
    }
  }

  if (host.empty() && all_digits(port)) {
    return wrong(in_quotes(text) + " has no host",
                 "write \"127.0.0.1:" + std::string(port) + "\" for this machine only, \"0.0.0.0:" +
                     std::string(port) + "\" for every interface");
  }
  if (host == "localhost") host = "127.0.0.1";
  address.host = std::string(host);
  std::array<unsigned char, 16> bytes;
  if (inet_pton(address.is_v6() ? AF_INET6 : AF_INET, address.host.c_str(), bytes.data()) != 1 ||
      host.find('\0') != std::string_view::npos) {
    if (!port.empty() || text.find('.') == std::string_view::npos) {
      return wrong(in_quotes(host) + " is not an IP address",
                   host == "*" ? "write \"0.0.0.0:" + printable(port) + "\" for every interface"
                               : std::string(kAddressHint));
    }
    return wrong(in_quotes(text) + " is not an address", kAddressHint);
  }
  if (port.empty()) {
    const std::string shown = address.is_v6() ? "[" + address.host + "]" : address.host;
    return wrong(in_quotes(text) + " has no port",
                 "write \"" + shown + ":8000\", or \"" + shown + ":0\" for any free port");
  }
  if (!parse_port(port, address.port)) {
    return wrong(in_quotes(port) + " is not a port", "ports are 0 (any free one) to 65535");
  }
  return address;
}

std::optional<log::Format> parse_log_format(std::string_view text) {
  for (int i = 0; i < 3; ++i) {
    if (text == kLogFormats[i]) return static_cast<log::Format>(i);
  }
  return std::nullopt;
}

std::optional<log::Level> parse_log_level(std::string_view text) {
  for (int i = 0; i < 4; ++i) {
    if (text == kLogLevels[i]) return static_cast<log::Level>(i);
  }
  return std::nullopt;
}

bool is_local(const Address& address) {
  return address.is_unix() || address.host.starts_with("127.") || address.host == "::1";
}

std::string show_duration(Nanos duration) {
  if (duration == 0) return "off";
  struct Step {
    Nanos scale;
    const char* unit;
  };
  constexpr Step kSteps[] = {{3600 * kSecond, "h"}, {60 * kSecond, "m"},  {kSecond, "s"},
                             {kMillisecond, "ms"},  {kMicrosecond, "us"}, {1, "ns"}};
  std::string text;
  for (const Step& step : kSteps) {
    const Nanos count = duration / step.scale;
    if (count == 0) continue;
    text += std::to_string(count) + step.unit;
    duration -= count * step.scale;
  }
  return text;
}

std::string show_size(std::uint64_t bytes) {
  constexpr Unit kSteps[] = {{" GiB", 1 << 30}, {" MiB", 1 << 20}, {" KiB", 1 << 10}};
  for (const Unit& step : kSteps) {
    const auto scale = static_cast<std::uint64_t>(step.scale);
    if (bytes >= scale && bytes % scale == 0) {
      return std::to_string(bytes / scale) + std::string(step.name);
    }
  }
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

}  // namespace duet::config
