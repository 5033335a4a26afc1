#include "host/config/table_reader.h"

#include <algorithm>

#include "host/config/suggest.h"
#include "host/config/text.h"
#include "host/config/values.h"

namespace duet::config {
namespace {

std::string write(std::string_view key, std::string_view value) {
  return "write " + std::string(key) + " = " + std::string(value);
}

}  // namespace

void ReaderContext::error(const Place& place, std::string message, std::string hint) const {
  diagnostics.add({Severity::kError, file, place, std::move(message), std::move(hint)});
}

void ReaderContext::error(const Place& place, const Error& error) const {
  diagnostics.add({Severity::kError, file, place, error.message, error.hint});
}

void ReaderContext::warning(const Place& place, std::string message, std::string hint) const {
  diagnostics.add({Severity::kWarning, file, place, std::move(message), std::move(hint)});
}

void ReaderContext::not_one_of(const TomlEntry& entry,
                               std::span<const std::string_view> words) const {
  std::string hint = did_you_mean(entry.value.string, words);
  if (hint.empty()) hint = "one of " + one_of(words);
  error(entry.value.place, in_quotes(entry.value.string) + " is no '" + entry.key + "'",
        std::move(hint));
}

TableReader::TableReader(const ReaderContext& context, const std::vector<TomlEntry>& entries,
                         std::string name, std::span<const Synonym> synonyms)
    : context_(context), entries_(entries), name_(std::move(name)), synonyms_(synonyms) {}

const TomlEntry* TableReader::take(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  for (const TomlEntry& entry : entries_) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

void TableReader::wrong_type(const TomlEntry& entry, std::string_view wanted, std::string hint) {
  context_.error(entry.value.place,
                 in_quotes(entry.key) + " in " + name_ + " must be " + std::string(wanted) +
                     ", not " + std::string(toml_type_name(entry.value.type)),
                 std::move(hint));
}

const TomlEntry* TableReader::text(std::string_view key, std::string_view example) {
  const TomlEntry* entry = take(key);
  if (entry == nullptr || entry->value.type == TomlValue::Type::kString) return entry;
  wrong_type(*entry, "text", write(key, example));
  return nullptr;
}

const TomlEntry* TableReader::table(std::string_view key) {
  const TomlEntry* entry = take(key);
  if (entry == nullptr || entry->value.type == TomlValue::Type::kTable) return entry;
  const std::string inside =
      name_.empty() ? std::string(key) : name_.substr(1, name_.size() - 2) + "." + std::string(key);
  context_.error(entry->value.place,
                 in_quotes(key) + (name_.empty() ? "" : " in " + name_) + " must be a table, not " +
                     std::string(toml_type_name(entry->value.type)),
                 "write [" + inside + "] and its keys below it");
  return nullptr;
}

std::optional<bool> TableReader::flag(std::string_view key) {
  const TomlEntry* entry = take(key);
  if (entry == nullptr) return std::nullopt;
  if (entry->value.type == TomlValue::Type::kBoolean) return entry->value.boolean;
  wrong_type(*entry, "true or false", write(key, "true") + ", without quotes");
  return std::nullopt;
}

std::optional<std::int64_t> TableReader::integer(std::string_view key, std::int64_t least,
                                                 std::int64_t most) {
  const TomlEntry* entry = take(key);
  if (entry == nullptr) return std::nullopt;
  if (entry->value.type != TomlValue::Type::kInteger) {
    wrong_type(*entry, "an integer", write(key, std::to_string(least)));
    return std::nullopt;
  }
  const std::int64_t value = entry->value.integer;
  if (value >= least && value <= most) return value;
  context_.error(entry->value.place, in_quotes(key) + " is out of range: " + std::to_string(value),
                 std::to_string(least) + " to " + std::to_string(most) + " is allowed");
  return std::nullopt;
}

std::vector<const TomlValue*> TableReader::texts(std::string_view key, std::string_view example) {
  using Type = TomlValue::Type;
  const TomlEntry* entry = take(key);
  if (entry == nullptr) return {};
  if (entry->value.type == Type::kString) return {&entry->value};
  if (entry->value.type != Type::kArray) {
    wrong_type(*entry, "text or a list of texts", write(key, example));
    return {};
  }
  std::vector<const TomlValue*> result;
  for (const TomlValue& item : entry->value.items) {
    if (item.type == Type::kString) {
      result.push_back(&item);
    } else {
      context_.error(item.place,
                     "the items of " + in_quotes(key) + " must be text, not " +
                         std::string(toml_type_name(item.type)),
                     write(key, example));
    }
  }
  return result;
}

std::optional<Nanos> TableReader::duration(std::string_view key, Nanos least, Nanos most,
                                           bool zero) {
  const TomlEntry* entry = take(key);
  if (entry == nullptr) return std::nullopt;
  const TomlValue& value = entry->value;
  if (value.type == TomlValue::Type::kInteger) {
    const std::string number = std::to_string(value.integer);
    wrong_type(
        *entry, "a duration in quotes",
        write(key, "\"" + number + "s\"") + " for seconds, \"" + number + "ms\" for milliseconds");
    return std::nullopt;
  }
  if (value.type != TomlValue::Type::kString) {
    wrong_type(*entry, "a duration in quotes", write(key, "\"30s\""));
    return std::nullopt;
  }
  const Result<Nanos> parsed = parse_duration(value.string);
  if (!parsed) {
    context_.error(value.place, parsed.error());
    return std::nullopt;
  }
  const Nanos duration = parsed.value();
  if (duration == 0 && zero) return duration;
  if (duration >= least && duration <= most) return duration;
  context_.error(value.place, in_quotes(key) + " is out of range: " + value.string,
                 show_duration(least) + " to " + show_duration(most) + " is allowed" +
                     (zero ? ", or \"off\"" : ""));
  return std::nullopt;
}

std::optional<std::uint64_t> TableReader::size(std::string_view key, std::uint64_t least,
                                               std::uint64_t most) {
  const TomlEntry* entry = take(key);
  if (entry == nullptr) return std::nullopt;
  const TomlValue& value = entry->value;
  std::uint64_t bytes = 0;
  if (value.type == TomlValue::Type::kInteger) {
    bytes = value.integer < 0 ? 0 : static_cast<std::uint64_t>(value.integer);
    if (value.integer < 0) least = std::max<std::uint64_t>(least, 1);
  } else if (value.type == TomlValue::Type::kString) {
    const Result<std::uint64_t> parsed = parse_size(value.string);
    if (!parsed) {
      context_.error(value.place, parsed.error());
      return std::nullopt;
    }
    bytes = parsed.value();
  } else {
    wrong_type(*entry, "a size", write(key, "\"16KiB\"") + ", or a number of bytes");
    return std::nullopt;
  }
  if (bytes >= least && bytes <= most) return bytes;
  const std::string shown =
      value.type == TomlValue::Type::kInteger ? std::to_string(value.integer) : value.string;
  context_.error(value.place, in_quotes(key) + " is out of range: " + shown,
                 show_size(least) + " to " + show_size(most) + " is allowed");
  return std::nullopt;
}

// A mistyped key, another server's word for it, or even a mistyped word of another server.
std::string TableReader::suggestion(std::string_view key) const {
  std::vector<std::string_view> words;
  for (const Synonym& synonym : synonyms_) words.push_back(synonym.word);
  const auto exact = std::find(words.begin(), words.end(), key);
  if (exact == words.end()) {
    std::string hint = did_you_mean(key, known_);
    if (!hint.empty()) return hint;
  }
  const std::string_view word = exact != words.end() ? *exact : nearest(key, words);
  for (const Synonym& synonym : synonyms_) {
    if (!word.empty() && word == synonym.word) {
      return "did you mean '" + std::string(synonym.key) + "'?";
    }
  }
  return {};
}

void TableReader::finish() {
  for (const TomlEntry& entry : entries_) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    std::string hint = suggestion(entry.key);
    if (hint.empty()) hint = "known keys are " + one_of(known_);
    const std::string what = entry.value.type == TomlValue::Type::kTable && name_.empty()
                                 ? "unknown table "
                                 : "unknown key ";
    context_.error(entry.place, what + in_quotes(entry.key) + (name_.empty() ? "" : " in " + name_),
                   std::move(hint));
  }
}

}  // namespace duet::config
