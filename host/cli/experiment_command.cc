// `duet experiment`: looks at the experiments of a host that runs, and changes them.
#include <pwd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "host/base/escape.h"
#include "host/base/log.h"
#include "host/cli/admin_client.h"
#include "host/cli/command.h"
#include "host/cli/experiment_text.h"
#include "host/cli/terminal.h"

namespace duet::cli {

namespace {

constexpr HelpRow kExamples[] = {
    {"duet experiment list", "all of the host at 127.0.0.1:9000, with their verdicts"},
    {"duet experiment show country", "evidence, guardrails and audit of one"},
    {"duet experiment ramp country 20%", "20% for each variant but the control"},
    {"duet experiment ramp country", "the configured ramp, from the step it is on"},
    {"duet experiment promote country python", "everybody gets it"},
    {"duet experiment pin country visitor-17 python", "that key always gets it"},
};

constexpr Option kOptionList[] = {
    {"admin", "ADDRESS", "The admin address of the host, as duet serve prints it.",
     "127.0.0.1:9000"},
    {"by", "WHO", "Who wants the change: for the audit.", "your login name"},
    {"json", "", "Print the host's own answer."},
    kHelpOption,
};
constexpr OptionGroup kOptions[] = {{"Options", kOptionList}};

constexpr HelpRow kActions[] = {
    {"list", "every experiment: its state, the shares, the verdict"},
    {"show NAME", "one of them: variants, guardrails, quantiles, division, audit"},
    {"start NAME", "goes on after stop or promote, with the shares of before"},
    {"stop NAME", "everybody gets the control; nothing is counted any more"},
    {"ramp NAME [SHARE]",
     "SHARE (20%) for each variant other than the control, from now on; without it the steps of "
     "[experiment.ramp], as far as the evidence allows. Raising a share moves nobody who is in"},
    {"promote NAME VARIANT", "everybody gets the variant, and the experiment is over"},
    {"pin NAME KEY [VARIANT]",
     "the key always gets the variant and is not counted; without VARIANT as before"},
    {"recompare NAME", "what shadow traffic has shown begins anew: after a variant was mended"},
};

constexpr HelpSection kSections[] = {
    {"Actions", kActions, {}},
    {"What a change does",
     {},
     "It takes effect at once, without a restart, and outlives the host when there\n"
     "is a store. The audit says who wanted it and when. Variants that a guardrail\n"
     "had taken out are in again after start, ramp and promote: whoever says so\n"
     "knows better."},
    {"Exit codes", {}, "0 done, 1 the host cannot be reached or refuses, 2 command line wrong."},
};

struct Action {
  std::string_view name;
  std::size_t least, most;  // arguments after the name of the action
  std::string_view usage;
};
constexpr Action kAll[] = {{"list", 0, 0, "duet experiment list"},
                           {"show", 1, 1, "duet experiment show NAME"},
                           {"start", 1, 1, "duet experiment start NAME"},
                           {"stop", 1, 1, "duet experiment stop NAME"},
                           {"ramp", 1, 2, "duet experiment ramp NAME [SHARE]"},
                           {"promote", 2, 2, "duet experiment promote NAME VARIANT"},
                           {"pin", 2, 3, "duet experiment pin NAME KEY [VARIANT]"},
                           {"recompare", 1, 1, "duet experiment recompare NAME"}};

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
        c == '_' || c == '.') {
      out += c;
    } else {
      char escape[4];
      std::snprintf(escape, sizeof escape, "%%%02X", static_cast<unsigned>(byte));
      out += escape;
    }
  }
  return out;
}

std::string login_name() {
  const passwd* entry = getpwuid(getuid());
  return entry != nullptr ? entry->pw_name : "uid " + std::to_string(getuid());
}

int usage(const std::string& message, std::string_view hint) {
  std::fprintf(stderr, "duet experiment: error: %s (%.*s)\n", printable(message).c_str(),
               static_cast<int>(hint.size()), hint.data());
  return kExitUsage;
}

int failed(const std::string& message, const std::string& hint) {
  std::fprintf(stderr, "duet experiment: error: %s%s\n", printable(message).c_str(),
               hint.empty() ? "" : (" (" + printable(hint) + ")").c_str());
  return kExitFailure;
}

std::string target_of(const std::vector<std::string>& words) {
  const std::string& action = words[0];
  if (action == "list") return "/api/experiments";
  std::string one = "/api/experiments/" + encoded(words[1]);
  if (action == "show") return one;
  std::string query;
  if (action == "ramp" && words.size() > 2) query = "?share=" + encoded(words[2]);
  if (action == "promote") query = "?variant=" + encoded(words[2]);
  if (action == "pin") query = "?key=" + encoded(words[2]);
  if (action == "pin" && words.size() > 3) query += "&variant=" + encoded(words[3]);
  return one + "/" + action + query;
}

int run(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positional();
  const Action* action = nullptr;
  std::string names;
  for (const Action& one : kAll) {
    if (!words.empty() && one.name == words[0]) action = &one;
    names += (names.empty() ? "" : ", ") + std::string(one.name);
  }
  if (action == nullptr) {
    return usage(words.empty() ? "no action was given" : "there is no action '" + words[0] + "'",
                 names + "; see duet help experiment");
  }
  if (words.size() - 1 < action->least || words.size() - 1 > action->most) {
    return usage("'" + words[0] + "' takes other arguments", action->usage);
  }
  const std::string who = arguments.value("by").value_or(login_name());
  if (who.empty() || printable(who) != who) {
    return usage("--by names nobody", "printable characters, such as --by ann");
  }
  const bool reads = words[0] == "list" || words[0] == "show";
  const auto answer =
      ask_admin(arguments.value("admin").value_or("127.0.0.1:9000"), reads ? "GET" : "POST",
                target_of(words), reads ? "" : "Duet-By: " + who + "\r\n");
  if (!answer) return failed(answer.error().message, answer.error().hint);
  const auto document = nlohmann::json::parse(answer->body, nullptr, false);
  if (document.is_discarded() || !document.is_object()) {
    return failed("the answer is not that of a duet host", "is --admin its admin address?");
  }
  if (answer->status != 200) {
    return failed(document.value("error", "the host answered " + std::to_string(answer->status)),
                  document.value("hint", ""));
  }
  std::string text = answer->body;
  try {
    if (!arguments.has("json")) {
      text = words[0] == "list"   ? experiments_text(document)
             : words[0] == "show" ? experiment_text(document)
                                  : printable(document.at("done").get<std::string>()) + "\n";
      text = fitted(text, STDOUT_FILENO);
    }
  } catch (const nlohmann::json::exception&) {
    return failed("the host is of another version of duet: its answer lacks something",
                  "use its own duet, or --json");
  }
  return print_result("duet experiment", text) ? kExitOk : kExitFailure;
}

}  // namespace

const Command kExperimentCommand = {"experiment",
                                    "shows and changes the experiments of a host that runs",
                                    "ACTION [NAME] [ARGUMENT...]",
                                    kExamples,
                                    kOptions,
                                    kSections,
                                    {},
                                    4,
                                    run};

}  // namespace duet::cli
