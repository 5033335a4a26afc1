#include "host/cli/lab_list.h"

#include <map>
#include <utility>

#include "host/cli/lab_environment.h"
#include "host/cli/text_json.h"

namespace duet::cli {

namespace {

using Json = nlohmann::ordered_json;
using Lacks = std::vector<std::pair<std::string, std::string>>;  // what, and who needs it

Json server_json(const LabServer& server, const LabEnvironment& environment) {
  Json json = {{"name", text_json(server.name)},
               {server.is_command ? "command" : "handler", text_json(server.target)}};
  if (const auto missing = environment.missing(server.needs)) {
    json["missing"] = {{"what", text_json(missing->what)}, {"how", text_json(missing->how)}};
  }
  return json;
}

}  // namespace

std::string list_text(const std::vector<Claim>& claims, const std::string& cache) {
  std::string text;
  for (const Claim& claim : claims) {
    text += printable(claim.name) + "\n  " + printable(claim.claim) + "\n";
    const LabEnvironment environment(claim, cache);
    // By what is missing: several arms lack the same.
    Lacks lacks;
    std::map<std::string, std::string> how;
    const auto look_at = [&](const LabServer& server) {
      const auto missing = environment.missing(server.needs);
      if (!missing) return;
      how[missing->what] = missing->how;
      for (auto& [what, who] : lacks) {
        if (what != missing->what) continue;
        who += "; " + server.name;
        return;
      }
      lacks.emplace_back(missing->what, server.name);
    };
    for (const LabServer& arm : claim.arms) look_at(arm);
    for (const LabService& service : claim.services) look_at(service);
    for (const auto& [what, who] : lacks) {
      text += "  lacks " + printable(what) + " (" + printable(how[what]) +
              "), for: " + printable(who) + "\n";
    }
  }
  return text;
}

Json list_json(const std::vector<Claim>& claims, const std::string& cache) {
  Json json = {{"claims", Json::array()}};
  for (const Claim& claim : claims) {
    const LabEnvironment environment(claim, cache);
    Json one = {{"name", text_json(claim.name)},
                {"claim", text_json(claim.claim)},
                {"source", text_json(claim.source)},
                {"folder", text_json(claim.folder)},
                {"runs_in", text_json(environment.folder())},
                {"arms", Json::array()},
                {"services", Json::array()},
                {"runs", Json::array()}};
    for (const LabServer& arm : claim.arms) one["arms"].push_back(server_json(arm, environment));
    for (const LabService& service : claim.services) {
      one["services"].push_back(server_json(service, environment));
      one["services"].back()["variable"] = text_json(service.variable);
      one["services"].back()["scheme"] = text_json(service.scheme);
    }
    for (const LabRun& run : claim.runs) {
      Json each = {{"title", text_json(run.title)},
                   {"arms", Json::array()},
                   {"services", Json::array()},
                   {"options", Json::array()}};
      for (const std::size_t arm : run.arms) {
        each["arms"].push_back(text_json(claim.arms[arm].name));
      }
      for (const std::size_t service : run.services) {
        each["services"].push_back(text_json(claim.services[service].name));
      }
      for (const std::string& option : run.options) each["options"].push_back(text_json(option));
      one["runs"].push_back(std::move(each));
    }
    json["claims"].push_back(std::move(one));
  }
  return json;
}

}  // namespace duet::cli
