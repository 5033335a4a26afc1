// Options of a subcommand: one table is what is parsed and what --help shows.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/result.h"

namespace duet::cli {

struct Option {
  std::string_view name;  // "listen", for --listen
  // What follows it in the help: "ADDRESS"; empty for a flag; "[=ADDRESS]" for a flag that may have
  // a value, written with the '='.
  std::string_view value;
  std::string_view help;       // what it does; wrapped when shown
  std::string_view otherwise;  // what holds without it: shown as (default: …); may be empty
  bool repeatable = false;
  char letter = 0;  // 'h', for -h

  bool value_is_optional() const { return value.starts_with('['); }
};

struct OptionGroup {
  std::string_view title;
  std::span<const Option> options;
};

// What to say about an option of another server: {"port", "write --listen 127.0.0.1:PORT"}.
struct OptionHint {
  std::string_view name;
  std::string_view hint;
};

// A command line that was taken apart.
class Arguments {
 public:
  bool has(std::string_view option) const { return find(option) != nullptr; }
  std::optional<std::string> value(std::string_view option) const;
  std::vector<std::string> values(std::string_view option) const;  // in order, when repeatable
  const std::vector<std::string>& positional() const { return positional_; }
  // Options as they were given, in order, by their names in the table; a flag's value is empty.
  const std::vector<std::pair<std::string_view, std::string>>& given() const { return given_; }
  // All that is wrong with it: unknown options (with the one that was meant), missing values, ….
  const std::vector<Error>& errors() const { return errors_; }

 private:
  friend class ArgumentParser;
  const std::string* find(std::string_view option) const;

  std::vector<std::pair<std::string_view, std::string>> given_;  // names are the table's
  std::vector<std::string> positional_;
  std::vector<Error> errors_;
};

// Takes --name VALUE, --name=VALUE, --flag, -h, and arguments in any order; after "--" all are
// positional. `groups` must outlive the result.
Arguments parse_arguments(std::span<const OptionGroup> groups,
                          std::span<const std::string> arguments,
                          std::span<const OptionHint> hints = {});

}  // namespace duet::cli
