// What comparing answers to copies has shown, in words and rows: for `duet experiment show` and
// `duet report`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace duet::cli {

struct ShadowWords {
  std::vector<std::string> sentences;  // what was copied, then one of each variant
  // "field", "variant", how often it differs from the control, and the control from itself, a note,
  // an example; fields that differ for real first. Without a head.
  std::vector<std::vector<std::string>> rows;
};

// `experiment`: of GET /api/experiments/NAME. Empty: it has no shadow traffic.
ShadowWords shadow_words(const nlohmann::json& experiment);
inline const std::vector<std::string> kShadowHead = {"field",         "variant", "differs",
                                                     "control's own", "",        "example"};
// For a terminal.
std::string shadow_text(const ShadowWords& words);

}  // namespace duet::cli
