// GET /cpp/countries/{code}: the country that has the code; examples/iso in C++. The answers are
// made when the plug-in is loaded: a look-up is all that is left for the request.
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

#include "plugins/sdk/duet_sdk.h"

namespace {

using duet::sdk::Request;

// What the handler's env or the process's $ISO_CODES says, what duet's own build fetched, or the
// package installed system-wide.
std::ifstream open_table(const duet::sdk::Setup& setup) {
  const char* process = std::getenv("ISO_CODES");
  const std::string folders[] = {std::string(setup.env("ISO_CODES").value_or("")),
                                 process == nullptr ? "" : process, DUET_ISO_CODES_DIR,
                                 "/usr/share/iso-codes/json"};
  for (const std::string& folder : folders) {
    if (folder.empty()) continue;
    std::ifstream file(folder + "/iso_3166-1.json");
    if (file) return file;
  }
  throw std::runtime_error(
      "the ISO tables are missing: apt-get install iso-codes, or set ISO_CODES to the folder of "
      "iso_3166-1.json");
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return result;
}

class IsoCountry {
 public:
  explicit IsoCountry(const duet::sdk::Setup& setup) {
    std::ifstream file = open_table(setup);
    // Ordered: the answer has the columns in the order of the table, as in the other languages.
    const auto table = nlohmann::ordered_json::parse(file);
    for (const auto& row : table.at("3166-1")) {
      for (const char* column : {"alpha_2", "alpha_3", "numeric"}) {
        if (row.contains(column)) answers_[upper(row[column].get<std::string>())] = row.dump();
      }
    }
  }

  void handle(Request request) {
    const auto found = answers_.find(upper(request.param("code").value_or("")));
    if (found == answers_.end()) {
      request.respond(404, R"({"error":"no row has this code"})", {kJson});
      return;
    }
    request.respond(200, found->second, {kJson});
  }

 private:
  static constexpr duet::sdk::Field kJson{"content-type", "application/json"};
  std::unordered_map<std::string, std::string> answers_;
};

}  // namespace

DUET_PLUGIN_HANDLER(IsoCountry, "iso_country", "1.0")
