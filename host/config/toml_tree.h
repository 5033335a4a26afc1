// TOML text as a tree of values that know their places, in the order of the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/diagnostic.h"

namespace duet::config {

struct TomlEntry;

struct TomlValue {
  enum class Type : std::uint8_t { kString, kInteger, kFloat, kBoolean, kDate, kArray, kTable };

  Type type = Type::kTable;
  Place place;
  std::string string;            // kString
  std::int64_t integer = 0;      // kInteger
  double floating = 0;           // kFloat; of a kDate with a date and a time: seconds since 1970
  bool boolean = false;          // kBoolean; of a kDate: it has an offset, so that it is an instant
  std::vector<TomlValue> items;  // kArray
  std::vector<TomlEntry> entries;  // kTable, in the order of the file

  const TomlEntry* find(std::string_view key) const;
};

struct TomlEntry {
  std::string key;
  Place place;  // of the key
  TomlValue value;
};

// "text", "an integer", "a table", ...: for messages.
std::string_view toml_type_name(TomlValue::Type type);

struct TomlTree {
  TomlValue root;
  // Some lines could not be read and are left out of the tree: what seems missing may be in them.
  bool incomplete = false;
};

// Reads `text`; syntax errors go to `diagnostics` under the name `file`. Goes on behind an error,
// so that all of them are found: the broken statement is left out. `text` is UTF-8; never fails
// otherwise.
TomlTree parse_toml(std::string_view text, const std::string& file, Diagnostics& diagnostics);

}  // namespace duet::config
