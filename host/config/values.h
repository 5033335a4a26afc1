// The values that people write in duet.toml and on the command line: durations, sizes, addresses.
// Pure. Errors carry the message and a hint; the caller knows the place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/base/clock.h"
#include "host/base/result.h"
#include "host/config/config.h"

namespace duet::config {

// "250ms", "30s", "1.5s", "1m", "2h", "500us", "10ns". "0" and "off" are 0. Spaces between the
// number and its unit are allowed. At most a year.
Result<Nanos> parse_duration(std::string_view text);

// "512", "16KiB", "1MB", "1.5MiB", "2g": bytes; KB, MB, GB are powers of 1000, KiB, MiB, GiB (and
// the single letters, as nginx has them) of 1024. Upper or lower case. At most 1 TiB.
Result<std::uint64_t> parse_size(std::string_view text);

// "127.0.0.1:8000", "localhost:8000", "[::1]:0", "unix:/run/duet.sock" (a relative path is
// resolved against `directory`). Names other than localhost are refused: see Address.
Result<Address> parse_address(std::string_view text, std::string_view directory);

// The words of log formats and levels; nothing for another one.
inline constexpr std::string_view kLogFormats[] = {"auto", "text", "json"};
inline constexpr std::string_view kLogLevels[] = {"debug", "info", "warn", "error"};
std::optional<log::Format> parse_log_format(std::string_view text);
std::optional<log::Level> parse_log_level(std::string_view text);

// Whether only this machine reaches the address: loopback or a unix socket.
bool is_local(const Address& address);

// As a person would write it: "30s", "250ms", "1m30s"; and "16 KiB", "1 MiB", "1000 bytes".
std::string show_duration(Nanos duration);
std::string show_size(std::uint64_t bytes);

}  // namespace duet::config
