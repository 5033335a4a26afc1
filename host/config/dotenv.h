// .env files: NAME=value lines, as dotenv, Node's --env-file and docker read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/config/diagnostic.h"

namespace duet::config {

struct DotenvEntry {
  std::string name;
  std::string value;
  std::string file;  // as shown to the user
  Place place;       // of the value
};

// Reads NAME=value and export NAME=value; empty lines and # comments are skipped. A value may be
// unquoted (ends before " #"; white space around it is dropped), in '…' (taken as it is) or in "…"
// (\n, \r, \t, \", \\ and \$ are escapes); quoted ones may span lines. Nothing is expanded: "$HOME"
// stays. A name set twice has its last value. Mistakes go to `diagnostics` under `file`.
std::vector<DotenvEntry> parse_dotenv(std::string_view text, const std::string& file,
                                      Diagnostics& diagnostics);

// A name that a shell could set: letters, digits and '_', no digit first.
bool is_variable_name(std::string_view name);

}  // namespace duet::config
