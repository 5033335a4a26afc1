#include "host/config/toml_shadow.h"

#include <algorithm>
#include <string>
#include <utility>

#include "host/base/escape.h"
#include "host/config/toml_guardrails.h"
#include "host/config/toml_words.h"

namespace duet::config {
namespace {

constexpr std::int64_t kMostCopies = 64;
constexpr std::string_view kHeader = "header:";

// Of what follows the '$': steps as answer_diff.h names them, `.name`, `[]`, `["any name"]`. What
// could never match anything is refused, too.
const char* wrong_with_steps(std::string_view steps) {
  constexpr const char* kNoPath = "is no path";
  while (!steps.empty()) {
    std::size_t end = steps.npos;  // of the first step
    if (steps[0] == '.') {
      end = std::min(steps.find_first_of(".[]\"", 1), steps.size());
      if (end == 1 || steps.substr(0, end) == ".*") return kNoPath;
    } else if (steps.starts_with("[\"")) {
      end = steps.find("\"]", 2);
      if (end != steps.npos) end += 2;
    } else if (steps.starts_with("[]") || steps.starts_with("[*]")) {
      end = steps.find(']') + 1;
    } else if (const std::size_t digits = steps.find_first_not_of("0123456789", 1);
               steps[0] == '[' && digits != steps.npos && steps[digits] == ']') {
      return "names one element of an array, and all of them share a path";
    }
    if (end == steps.npos) return kNoPath;
    steps.remove_prefix(end);
  }
  return nullptr;
}

// Why it can be no rule, as half a sentence; null: it can.
const char* wrong_with(std::string_view rule) {
  if (rule == "body") return nullptr;
  if (rule.starts_with(kHeader)) {
    const std::string_view name = rule.substr(kHeader.size());
    const bool named = !name.empty() && name.find_first_of(" \t:,\"") == name.npos;
    return named ? nullptr : "names no header";
  }
  if (!rule.starts_with('$')) return "is neither a path in a JSON body nor a header";
  return wrong_with_steps(rule.substr(1));
}

// A method by which a request could do something; empty: none can.
std::string unsafe_method(const std::vector<Route>& routes, const Experiment& one) {
  const auto of = [](const std::vector<std::string>& methods) -> std::string {
    if (methods.empty()) return "POST";
    const auto found = std::find_if(methods.begin(), methods.end(), [](const std::string& method) {
      return method != "GET" && method != "HEAD";
    });
    return found == methods.end() ? "" : *found;
  };
  if (!one.methods.empty()) return of(one.methods);
  if (one.application) return "POST";
  for (const std::uint32_t route : one.route_indices) {
    if (std::string method = of(routes[route].methods); !method.empty()) return method;
  }
  return "";
}

}  // namespace

void read_shadow(const ReaderContext& context, TableReader& table, const std::vector<Route>& routes,
                 Experiment& one) {
  const TomlEntry* entry = table.table("shadow");
  if (entry == nullptr) return;
  Shadow shadow;
  TableReader inner(context, entry->value.entries, "[experiment.shadow]", kShadowWords);
  if (const auto rate = read_share(context, inner, "rate", "\"10%\"")) shadow.rate = *rate;
  if (const auto t = inner.duration("deadline", kShortestTime, kLongestTime, false)) {
    shadow.deadline = *t;
  }
  if (const auto count = inner.integer("concurrency", 1, kMostCopies)) {
    shadow.concurrency = static_cast<std::size_t>(*count);
  }
  if (const auto flag = inner.flag("safe")) shadow.safe = *flag;
  for (const TomlValue* rule : inner.texts("ignore", "[\"$.created_at\", \"header:etag\"]")) {
    if (const char* wrong = wrong_with(rule->string)) {
      context.error(rule->place, "'" + printable(rule->string) + "' " + wrong,
                    "write \"$.created_at\", \"$.items[].id\", \"header:etag\" or \"body\"");
    } else {
      shadow.ignore.push_back(rule->string);
    }
  }
  inner.finish();
  if (const std::string method = unsafe_method(routes, one); !shadow.safe && !method.empty()) {
    context.error(entry->place,
                  method + " requests would be carried out more than once by their copies",
                  "write safe = true if that does no harm, or methods = [\"GET\"] for the route or "
                  "in [experiment.eligible]");
  }
  one.shadow = std::move(shadow);
}

}  // namespace duet::config
