// `duet report`: what an experiment has shown, as text, as JSON, or as a page of its own.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "host/admin/experiments_json.h"
#include "host/base/escape.h"
#include "host/cli/admin_client.h"
#include "host/cli/command.h"
#include "host/cli/report.h"
#include "host/cli/terminal.h"
#include "host/experiment/live.h"
#include "host/store/database.h"
#include "host/store/shadow_json.h"
#include "host/store/state_json.h"

namespace duet::cli {

namespace {

using Json = nlohmann::json;

constexpr HelpRow kExamples[] = {
    {"duet report", "of the only experiment of the host at 127.0.0.1:9000"},
    {"duet report country", "of one of several"},
    {"duet report --store duet.db", "of a host that does not run any more"},
    {"duet report country --html country.html", "as a page that stands alone"},
};

constexpr Option kOptionList[] = {
    {"admin", "ADDRESS", "The admin address of the host, as duet serve prints it.",
     "127.0.0.1:9000"},
    {"store", "FILE",
     "Read the database that experiments are kept in, instead of asking a host: without who waits "
     "for "
     "whom, and without memory."},
    {"html", "FILE",
     "Write one self-contained page, with the differences drawn; - is standard output."},
    {"json", "", "Print the host's own figures."},
    kHelpOption,
};
constexpr OptionGroup kOptions[] = {{"Options", kOptionList}};

constexpr HelpSection kSections[] = {
    {"What it says",
     {},
     "The verdict in a sentence; the A/A record; whether requests are divided as\n"
     "configured; sample, errors and quantiles with intervals; CPU time a request\n"
     "and cores per 10,000 requests a second; guardrails; who waits for whom on the\n"
     "loop; memory. What the requests do not back yet is \"too few requests to say\".\n"
     "It may be asked for at any time and as often as anybody likes."},
    {"Exit codes",
     {},
     "0 done, 1 the host cannot be reached or has no such experiment, 2 command line\nwrong."},
};

int failed(const std::string& message, const std::string& hint) {
  std::fprintf(stderr, "duet report: error: %s%s\n", printable(message).c_str(),
               hint.empty() ? "" : (" (" + printable(hint) + ")").c_str());
  return kExitFailure;
}

Result<Json> ask(const std::string& address, const std::string& target) {
  const auto answer = ask_admin(address, "GET", target);
  if (!answer) return answer.error();
  Json document = Json::parse(answer->body, nullptr, false);
  if (answer->status != 200 || !document.is_object()) {
    return Error{"the answer is not that of a duet host", {}, "is --admin its admin address?", {}};
  }
  return document;
}

// The one that is meant. Errors: none, several, no such one.
Result<Json> choose(const Json& all, const std::vector<std::string>& words) {
  std::string names;
  for (const Json& one : all) {
    const auto name = one.at("name").get<std::string>();
    if (words.empty() ? all.size() == 1 : name == words[0]) return one;
    names += (names.empty() ? "" : ", ") + name;
  }
  if (names.empty()) {
    return Error{"there are no experiments", {}, "[[experiment]] in duet.toml makes one", {}};
  }
  if (words.empty()) return Error{"there are several experiments", {}, "name one of " + names, {}};
  return Error{"there is no experiment '" + words[0] + "'", {}, "there are " + names, {}};
}

// Of a database, without the host: as /api/experiments gives them, and `kept_at`, when they were
// written (seconds since 1970).
Result<Json> kept_in(const std::string& path) {
  auto database = store::Database::open_to_read(path);
  if (!database) return database.error();
  auto all = (*database)->read();
  if (!all) return all.error();
  using Restored = experiment::ShadowCounts::Restored;
  const auto unreadable = [&](const store::Kept& kept) {
    return Error{
        "what it has of the experiment '" + printable(kept.experiment) + "' cannot be read",
        path,
        "another version of duet may have written it",
        {}};
  };
  std::vector<experiment::LiveSnapshot> shots;
  std::vector<double> written;
  for (store::Kept& kept : *all) {
    auto spec = store::spec_of(kept.state);
    auto state = store::state_of(kept.state);
    if (state) state->experiment.evidence.ended = std::move(kept.ended);
    auto live = spec && state ? experiment::Live::create(std::move(*spec))
                              : Result<std::unique_ptr<experiment::Live>>(Error{});
    if (!live || !(*live)->restore(std::move(*state), kept.keys, false)) {
      return unreadable(kept);
    }
    (*live)->restore_audit(std::move(kept.audit));
    shots.push_back((*live)->snapshot());
    auto shadow = kept.shadow ? store::shadow_of(*kept.shadow) : std::nullopt;
    if (kept.shadow) {
      const double rate = shadow ? shadow->rate : 0;
      auto ignore = shadow ? shadow->ignore : std::vector<std::string>();
      experiment::ShadowCounts counts((*live)->spec(), rate, std::move(ignore));
      if (!shadow || counts.restore(std::move(*shadow)) != Restored::kYes) return unreadable(kept);
      shots.back().shadow = counts.snapshot();
    }
    written.push_back(kept.at);
  }
  Json all_of_them = Json::parse(admin::experiments_json(shots));
  for (std::size_t i = 0; i < written.size(); ++i) {
    all_of_them["experiments"][i]["kept_at"] = written[i];
  }
  return all_of_them;
}

int printed(const std::string& text) {
  return print_result("duet report", text) ? kExitOk : kExitFailure;
}

int write(const std::string& path, const std::string& page) {
  if (path == "-") {
    return printed(page);
  }
  std::FILE* file = std::fopen(path.c_str(), "w");
  bool written = file != nullptr && std::fwrite(page.data(), 1, page.size(), file) == page.size();
  if (file != nullptr) written = std::fclose(file) == 0 && written;
  if (!written) return failed(path + " cannot be written: " + std::strerror(errno), "");
  std::printf("written: %s\n", printable(path).c_str());
  return kExitOk;
}

int run(const Arguments& arguments) {
  const std::string address = arguments.value("admin").value_or("127.0.0.1:9000");
  const auto path = arguments.value("store");
  const auto experiments = path ? kept_in(*path) : ask(address, "/api/experiments");
  if (!experiments) {
    const Error& why = experiments.error();
    return failed((why.where.empty() ? "" : why.where + " ") + why.message, why.hint);
  }
  const auto host = path ? Result<Json>(Json()) : ask(address, "/api/handlers");
  if (!host) return failed(host.error().message, host.error().hint);
  try {
    const auto one = choose(experiments->at("experiments"), arguments.positional());
    if (!one) return failed(one.error().message, one.error().hint);
    if (arguments.has("json")) {
      const Json both = {{"experiment", *one}, {"host", *host}};
      return printed(both.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    }
    const Report report = report_of(*one, *host);
    if (const auto path = arguments.value("html")) return write(*path, report_page(report));
    return printed(fitted(report_text(report), STDOUT_FILENO));
  } catch (const Json::exception&) {
    return failed("the host is of another version of duet: its answer lacks something",
                  "use its own duet, or --json");
  }
}

}  // namespace

const Command kReportCommand = {"report",
                                "what an experiment has shown: the verdict and what it rests on",
                                "[EXPERIMENT]",
                                kExamples,
                                kOptions,
                                kSections,
                                {},
                                1,
                                run};

}  // namespace duet::cli
