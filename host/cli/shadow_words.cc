#include "host/cli/shadow_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "host/cli/experiment_words.h"
#include "host/cli/text_table.h"

namespace duet::cli {
namespace {

using Json = nlohmann::json;

// Fields that are noisy, or of which nothing is known yet: of interest, but they may be many.
constexpr std::size_t kMostOthers = 5;
// So many comparisons without the difference are worth a word.
constexpr std::uint64_t kQuiet = 20;

std::uint64_t count(const Json& of, const char* key) { return of.at(key).get<std::uint64_t>(); }

std::string control_of(const Json& experiment) {
  for (const Json& variant : experiment.at("variants")) {
    if (variant.at("control").get<bool>()) return text(variant.at("name"));
  }
  return "";
}

std::string copied(const Json& shadow) {
  std::string out = fmt::format("shadow: {:.4g}% of the control's requests are copied; {}",
                                100 * shadow.at("rate").get<double>(), count(shadow, "sampled"));
  const Json& since = shadow.at("since");
  out += since.is_null() ? " so far" : " since " + instant(since.get<double>());
  constexpr std::pair<const char*, const char*> kLosses[] = {
      {"no_room", "for which there was no room"},
      {"too_old", "for want of an idle moment"},
      {"too_large", "too large"},
      {"left", "left by their client"}};
  std::string lost;
  for (const auto& [key, why] : kLosses) {
    const std::uint64_t n = count(shadow.at("lost"), key);
    if (n > 0) lost += fmt::format("{}{} {}", lost.empty() ? "" : ", ", n, why);
  }
  return out + (lost.empty() ? "" : "; of them not compared: " + lost);
}

std::string sentence(const Json& variant, const std::string& control) {
  const std::string name = text(variant.at("name"));
  const std::uint64_t compared = count(variant, "compared");
  std::string out;
  if (compared == 0) {
    out = fmt::format("nothing is compared with '{}' yet", name);
  } else {
    std::vector<std::string> differ;
    for (const Json& field : variant.at("fields")) {
      if (field.at("differs").get<bool>()) differ.push_back(text(field.at("name")));
    }
    if (differ.empty()) {
      out =
          fmt::format("'{}' answers like '{}', as far as {} copies show", name, control, compared);
    } else {
      out = fmt::format("'{}' ANSWERS DIFFERENTLY from '{}' in {}", name, control, differ[0]);
      if (differ.size() > 1) {
        out +=
            fmt::format(" and {} other field{}", differ.size() - 1, differ.size() == 2 ? "" : "s");
      }
      out += fmt::format(" ({} copies)", compared);
    }
  }
  if (const std::uint64_t unanswered = count(variant, "unanswered")) {
    out += fmt::format("; {} could not be asked", unanswered);
  }
  if (const std::uint64_t overdue = count(variant, "overdue")) {
    out += fmt::format("; {} not answered by their deadline", overdue);
  }
  return out;
}

// A variant that was mended goes on answering like the control: what it did before stays true.
std::string note(const Json& field, std::uint64_t compared) {
  if (!field.at("differs").get<bool>()) {
    return count(field, "noise") >= count(field, "raw") ? "noise" : "not told yet";
  }
  const std::uint64_t since = compared - std::min(compared, count(field, "last"));
  if (since < kQuiet) return "differs";
  return fmt::format("differed, not in the last {}", since);
}

void add_rows(const Json& variant, std::vector<std::vector<std::string>>& rows) {
  const std::uint64_t compared = count(variant, "compared");
  std::size_t others = 0;
  for (const Json& field : variant.at("fields")) {
    const bool differs = field.at("differs").get<bool>();
    if (!differs && ++others > kMostOthers) continue;
    const Json& example = field.at("example");
    const std::uint64_t raw = count(field, "raw");
    const std::uint64_t noise = count(field, "noise");
    rows.push_back({text(field.at("name")), text(variant.at("name")),
                    fmt::format("{} of {}", raw, compared),
                    fmt::format("{} of {}", noise, compared), note(field, compared),
                    example.is_null()
                        ? ""
                        : fmt::format("{} -> {} ({})", text(example.at("control")),
                                      text(example.at("variant")), text(example.at("request")))});
  }
}

}  // namespace

ShadowWords shadow_words(const Json& experiment) {
  ShadowWords words;
  const auto found = experiment.find("shadow");
  if (found == experiment.end() || found->is_null()) return words;
  const Json& shadow = *found;
  words.sentences.push_back(copied(shadow));
  const std::string control = control_of(experiment);
  for (const Json& variant : shadow.at("variants")) {
    words.sentences.push_back(sentence(variant, control));
    add_rows(variant, words.rows);
  }
  std::stable_sort(words.rows.begin(), words.rows.end(), [](const auto& a, const auto& b) {
    return a[4].starts_with("differ") > b[4].starts_with("differ");
  });
  return words;
}

std::string shadow_text(const ShadowWords& words) {
  std::string out;
  for (const std::string& sentence : words.sentences) out += "  " + sentence + "\n";
  if (words.rows.empty()) return out;
  std::vector<std::vector<std::string>> rows = {kShadowHead};
  rows.insert(rows.end(), words.rows.begin(), words.rows.end());
  return out + table(rows);
}

}  // namespace duet::cli
