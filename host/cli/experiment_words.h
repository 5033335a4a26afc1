// How what an experiment shows is put into words, for a terminal and for a page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace duet::cli {

// A text of a document as it may be printed: names come from the network, and must not drive the
// terminal.
std::string text(const nlohmann::json& value);
// "2026-12-01 08:00:00Z"; `seconds` since 1970.
std::string instant(double seconds);
// "950 us", "1.2 ms", "3 s".
std::string micros(double value);

}  // namespace duet::cli
