#include "host/experiment/answer_diff.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "host/base/escape.h"
#include "host/http/characters.h"

namespace duet::experiment {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kShownBytes = 200;
constexpr std::size_t kKeyBytes = 64;
// Deeper than what people write, shallower than what a stack holds.
constexpr int kDeepest = 100;
constexpr std::string_view kHeader = "header:";
constexpr const char* kAbsent = "(absent)";

std::string shortened(std::string_view text) {
  const bool whole = text.size() <= kShownBytes;
  return printable(text.substr(0, kShownBytes)) + (whole ? "" : "…");
}

std::string shown(const Json& value) {
  return shortened(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// Values by lower-case name; those of one name in the order they were sent.
std::map<std::string, std::string> fields_of(const Answer& answer) {
  std::map<std::string, std::string> fields;
  std::string_view rest = answer.fields;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 2));
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), http::to_lower);
    const std::string_view value = http::trim(line.substr(colon + 1));
    const auto [at, first] = fields.try_emplace(std::move(name), value);
    if (!first) at->second.append(", ").append(value);
  }
  return fields;
}

bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

std::optional<Json> json_of(const std::map<std::string, std::string>& fields,
                            std::string_view body) {
  const auto type = fields.find("content-type");
  if (type == fields.end() || type->second.find("json") == std::string::npos) return std::nullopt;
  if (fields.contains("content-encoding") || too_deep(body)) return std::nullopt;
  Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

class Comparison {
 public:
  explicit Comparison(const IgnoreRules& rules) : rules_(rules) {}

  void note(std::string_view field, std::string first, std::string second) {
    if (found_.size() >= kMostDifferences || rules_.covers(field)) return;
    if (!seen_.emplace(field).second) return;
    found_.push_back({std::string(field), std::move(first), std::move(second)});
  }

  void fields(const std::map<std::string, std::string>& first,
              const std::map<std::string, std::string>& second) {
    const auto absent_in = [&](const auto& has, const auto& lacks, bool swapped) {
      for (const auto& [name, value] : has) {
        if (lacks.contains(name)) continue;
        if (swapped) {
          note(std::string(kHeader) + name, kAbsent, shortened(value));
        } else {
          note(std::string(kHeader) + name, shortened(value), kAbsent);
        }
      }
    };
    for (const auto& [name, value] : first) {
      const auto other = second.find(name);
      if (other != second.end() && other->second != value) {
        note(std::string(kHeader) + name, shortened(value), shortened(other->second));
      }
    }
    absent_in(first, second, false);
    absent_in(second, first, true);
  }

  // `path_` is the place of both.
  void values(const Json& first, const Json& second) {
    if (found_.size() >= kMostDifferences || rules_.covers(path_)) return;
    if (first.is_object() && second.is_object()) return members(first, second);
    if (first.is_array() && second.is_array()) return elements(first, second);
    if (first != second) note(path_, shown(first), shown(second));
  }

  std::vector<Difference> take() {
    std::sort(found_.begin(), found_.end(),
              [](const Difference& a, const Difference& b) { return a.field < b.field; });
    return std::move(found_);
  }

 private:
  void members(const Json& first, const Json& second) {
    const std::size_t length = path_.size();
    for (const auto& [key, value] : first.items()) {
      append(key);
      const auto other = second.find(key);
      if (other == second.end()) {
        note(path_, shown(value), kAbsent);
      } else {
        values(value, *other);
      }
      path_.resize(length);
    }
    for (const auto& [key, value] : second.items()) {
      if (first.contains(key)) continue;
      append(key);
      note(path_, kAbsent, shown(value));
      path_.resize(length);
    }
  }

  void elements(const Json& first, const Json& second) {
    const std::size_t length = path_.size();
    if (first.size() != second.size()) {
      note(path_ + ".length", std::to_string(first.size()), std::to_string(second.size()));
    }
    path_ += "[]";
    const std::size_t both = std::min(first.size(), second.size());
    for (std::size_t i = 0; i < both; ++i) values(first[i], second[i]);
    path_.resize(length);
  }

  void append(const std::string& key) {
    const bool plain =
        !key.empty() && key.size() <= kKeyBytes && key.find_first_of(".[]\"") == key.npos;
    if (plain && printable(key) == key) {
      path_.append(".").append(key);
    } else {
      path_.append("[\"").append(printable(std::string_view(key).substr(0, kKeyBytes)));
      path_ += "\"]";
    }
  }

  const IgnoreRules& rules_;
  std::string path_ = "$";
  std::vector<Difference> found_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace

// "$.a[*]" and "$.a[]" are the same; names of headers have no case.
IgnoreRules::IgnoreRules(const std::vector<std::string>& rules) {
  for (std::string rule : rules) {
    if (rule.starts_with(kHeader)) {
      std::transform(rule.begin(), rule.end(), rule.begin(), http::to_lower);
    }
    for (std::size_t at; (at = rule.find("[*]")) != rule.npos;) rule.erase(at + 1, 1);
    rules_.push_back(std::move(rule));
  }
}

bool IgnoreRules::covers(std::string_view field) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const std::string& rule) {
    if (!field.starts_with(rule)) return false;
    return field.size() == rule.size() || field[rule.size()] == '.' || field[rule.size()] == '[';
  });
}

std::vector<Difference> differences(const Answer& first, const Answer& second,
                                    const IgnoreRules& rules) {
  Comparison comparison(rules);
  const auto status = [](const Answer& answer) {
    return std::to_string(answer.status) + (answer.broken_off ? ", broken off" : "");
  };
  if (first.status != second.status || first.broken_off != second.broken_off) {
    comparison.note("status", status(first), status(second));
    return comparison.take();
  }
  const auto fields_first = fields_of(first);
  const auto fields_second = fields_of(second);
  comparison.fields(fields_first, fields_second);
  if (first.body == second.body) return comparison.take();
  const auto json_first = json_of(fields_first, first.body);
  const auto json_second = json_of(fields_second, second.body);
  if (json_first && json_second) {
    comparison.values(*json_first, *json_second);
  } else {
    comparison.note("body", shortened(first.body), shortened(second.body));
  }
  return comparison.take();
}

}  // namespace duet::experiment
