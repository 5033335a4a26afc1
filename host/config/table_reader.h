// One table of duet.toml, read key by key: types and ranges are checked, and what nobody asked for
// is an unknown key.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/clock.h"
#include "host/base/result.h"
#include "host/config/diagnostic.h"
#include "host/config/toml_tree.h"

namespace duet::config {

// What durations may be: uv's timers are whole milliseconds, and a day is beyond what anybody waits
// for.
inline constexpr Nanos kShortestTime = kMillisecond;
inline constexpr Nanos kLongestTime = 24 * 3600 * kSecond;

// Where a reader reports to.
struct ReaderContext {
  const std::string& file;
  Diagnostics& diagnostics;

  void error(const Place& place, std::string message, std::string hint) const;
  void error(const Place& place, const Error& error) const;
  void warning(const Place& place, std::string message, std::string hint) const;
  // The text of `entry` is none of `words`.
  void not_one_of(const TomlEntry& entry, std::span<const std::string_view> words) const;
};

// Another word for a key, as other servers have it.
struct Synonym {
  std::string_view word;
  std::string_view key;
};

class TableReader {
 public:
  // `name`: how the table is written, "[server]" or "[[routes]]". `entries` outlive the reader.
  TableReader(const ReaderContext& context, const std::vector<TomlEntry>& entries, std::string name,
              std::span<const Synonym> synonyms = {});

  // The entry of that key, or null. Each of these makes the key a known one.
  const TomlEntry* take(std::string_view key);
  // These report a wrong type, with `example` as it should be written, and give nothing then.
  const TomlEntry* text(std::string_view key, std::string_view example);
  const TomlEntry* table(std::string_view key);
  std::optional<bool> flag(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  // A text, or a list of them.
  std::vector<const TomlValue*> texts(std::string_view key, std::string_view example);
  // A duration within [least, most]; `zero`: "off" is allowed as well.
  std::optional<Nanos> duration(std::string_view key, Nanos least, Nanos most, bool zero);
  // A size within [least, most]; also an integer, in bytes.
  std::optional<std::uint64_t> size(std::string_view key, std::uint64_t least, std::uint64_t most);

  // Reports the keys that were never taken. Call when all are read.
  void finish();

  const std::string& name() const { return name_; }

 private:
  std::string suggestion(std::string_view key) const;
  void wrong_type(const TomlEntry& entry, std::string_view wanted, std::string hint);

  const ReaderContext& context_;
  const std::vector<TomlEntry>& entries_;
  std::string name_;
  std::span<const Synonym> synonyms_;
  std::vector<std::string_view> known_;
};

}  // namespace duet::config
