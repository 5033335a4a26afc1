#include "host/cli/options.h"

#include "host/base/escape.h"
#include "host/config/suggest.h"

namespace duet::cli {

class ArgumentParser {
 public:
  ArgumentParser(std::span<const OptionGroup> groups, std::span<const std::string> arguments,
                 std::span<const OptionHint> hints)
      : groups_(groups), arguments_(arguments), hints_(hints) {}

  Arguments parse() {
    while (at_ < arguments_.size()) {
      const std::string_view argument = arguments_[at_++];
      if (argument == "--") {
        while (at_ < arguments_.size()) result_.positional_.push_back(arguments_[at_++]);
      } else if (argument.size() < 2 || argument.front() != '-') {
        result_.positional_.emplace_back(argument);
      } else {
        take_option(argument);
      }
    }
    return std::move(result_);
  }

 private:
  void error(std::string message, std::string hint) {
    result_.errors_.push_back({std::move(message), {}, std::move(hint), {}});
  }

  template <class Predicate>
  const Option* find(Predicate fits) const {
    for (const OptionGroup& group : groups_) {
      for (const Option& option : group.options) {
        if (fits(option)) return &option;
      }
    }
    return nullptr;
  }

  // The next argument, unless it is an option itself.
  std::optional<std::string> take_value() {
    if (at_ >= arguments_.size() || arguments_[at_].starts_with("--")) return std::nullopt;
    return arguments_[at_++];
  }

  void take_option(std::string_view argument) {
    const std::size_t equals = argument.find('=');
    const bool is_long = argument.starts_with("--");
    const std::string_view written = argument.substr(0, equals);
    const std::string_view name = written.substr(is_long ? 2 : 1);
    const Option* option = find([&](const Option& o) {
      return is_long ? o.name == name : name.size() == 1 && o.letter == name.front();
    });
    if (option == nullptr) return unknown(written, name, equals != std::string_view::npos);

    const std::string shown = "--" + std::string(option->name);
    const bool again = result_.has(option->name) && !option->repeatable;
    std::string value;
    if (option->value.empty()) {
      if (equals != std::string_view::npos) {
        return error(shown + " takes no value", "write " + shown);
      }
      if (again) return;  // a flag is as true as before
    } else if (equals != std::string_view::npos) {
      value = std::string(argument.substr(equals + 1));
    } else if (option->value_is_optional()) {
      value.clear();
    } else if (std::optional<std::string> next = take_value()) {
      value = std::move(*next);
    } else {
      return error(shown + " needs a value", "write " + shown + " " + std::string(option->value));
    }
    if (again) return error(shown + " is given twice", "give it once");
    result_.given_.emplace_back(option->name, std::move(value));
  }

  void unknown(std::string_view written, std::string_view name, bool has_value) {
    std::string hint = "see --help";
    const Option* meant = nullptr;
    for (const OptionHint& known : hints_) {
      if (known.name == name) hint = known.hint;
    }
    if (hint == "see --help") {
      std::vector<std::string_view> names;
      find([&](const Option& o) { return names.push_back(o.name), false; });
      const std::string_view nearest = config::nearest(name, names);
      meant = find([&](const Option& o) { return !nearest.empty() && o.name == nearest; });
      if (meant != nullptr) hint = "did you mean '--" + std::string(nearest) + "'?";
    }
    error("unknown option '" + printable(written) + "'", hint);
    // Its value is a part of the same mistake, not a file to serve.
    const bool takes_value = meant != nullptr ? !meant->value.empty() && !meant->value_is_optional()
                                              : hint != "see --help";
    if (takes_value && !has_value) (void)take_value();
  }

  std::span<const OptionGroup> groups_;
  std::span<const std::string> arguments_;
  std::span<const OptionHint> hints_;
  std::size_t at_ = 0;
  Arguments result_;
};

const std::string* Arguments::find(std::string_view option) const {
  for (const auto& [name, value] : given_) {
    if (name == option) return &value;
  }
  return nullptr;
}

std::optional<std::string> Arguments::value(std::string_view option) const {
  const std::string* value = find(option);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::vector<std::string> Arguments::values(std::string_view option) const {
  std::vector<std::string> all;
  for (const auto& [name, value] : given_) {
    if (name == option) all.push_back(value);
  }
  return all;
}

Arguments parse_arguments(std::span<const OptionGroup> groups,
                          std::span<const std::string> arguments,
                          std::span<const OptionHint> hints) {
  return ArgumentParser(groups, arguments, hints).parse();
}

}  // namespace duet::cli
