// `duet lab`: what it takes, and the order of what it does.
#include <fmt/chrono.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "host/bench/fingerprint.h"
#include "host/cli/bench_bundle.h"
#include "host/cli/command.h"
#include "host/cli/lab_environment.h"
#include "host/cli/lab_folder.h"
#include "host/cli/lab_list.h"
#include "host/cli/lab_page.h"
#include "host/cli/lab_run.h"
#include "host/cli/lab_text.h"
#include "host/cli/terminal.h"
#include "host/cli/text_table.h"

namespace duet::cli {

namespace {

constexpr int kExitNotTestable = 4;

constexpr HelpRow kExamples[] = {
    {"duet lab --list", "the claims, and what each lacks here"},
    {"duet lab --install", "fetches what they need, and runs them all"},
    {"duet lab --quick", "all in under four minutes, with wider intervals"},
    {"duet lab node-15000", "one of them"},
    {"duet lab ./my-claim", "one of your own: a folder with a claim.toml"},
};

constexpr Option kOptionList[] = {
    {"list", "", "List the claims and what each lacks on this machine, and run none."},
    {"quick", "", "Shorter runs: the intervals are wider."},
    {"install", "",
     "First fetch what package.json and requirements.txt of the claims name, by npm and pip, into "
     "the cache folder."},
    {"cache", "FOLDER", "Where that is, and where the servers run.",
     "$XDG_CACHE_HOME/duet/lab or ~/.cache/duet/lab"},
    {"claims", "FOLDER", "Where the claims are.", "examples/claims here, else those of duet"},
    {"json", "", "Print the result as JSON; durations are in nanoseconds."},
    {"html", "FILE", "Write a page that stands alone: the sentences, figures and drawings."},
    kHelpOption,
};
constexpr OptionGroup kOptions[] = {{"Options", kOptionList}};

constexpr HelpSection kSections[] = {
    {"What it does",
     {},
     "Each claim is a folder with a claim.toml, handlers of the same shape in both\n"
     "languages, and the languages' usual servers. Its servers are started, and\n"
     "measured in turn in short blocks of random order, as by duet bench; what is\n"
     "claimed is held against the 95% interval of what was measured. An arm whose\n"
     "packages or programs are not there is left out, and that is said.\n"
     "examples/claims/README.md has every key of claim.toml."},
    {"Signals and exit codes",
     {},
     "Ctrl-C ends it and prints the claims that are complete; a second one ends at\n"
     "once. 0 every claim was tested, whatever came out; 1 a server or an\n"
     "installation failed, or a claim.toml is wrong; 2 command line wrong; 4 some\n"
     "claim cannot be tested on this machine, and none failed; 130 interrupted."},
};

constexpr OptionHint kHints[] = {
    {"duration", "claim.toml has the durations; --quick makes them short"},
    {"all", "without names all are run"},
    {"fast", "did you mean '--quick'?"},
};

constexpr std::string_view kProgram = "duet lab";

void note(const std::string& line) { std::fprintf(stderr, "duet lab: %s\n", line.c_str()); }

std::string claims_folder(const Arguments& arguments) {
  if (const auto given = arguments.value("claims")) return *given;
  std::error_code ignored;
  const char* const here = "examples/claims";
  return std::filesystem::is_directory(here, ignored) ? here : shipped_claims();
}

// Mistakes in the options of `duet bench` show when they are put together, those of --quick whether
// it is asked for or not. Files of a workload are named from the claim's folder.
void check_workloads(const std::vector<Claim>& claims, config::Diagnostics& diagnostics) {
  std::error_code ignored;
  const std::filesystem::path here = std::filesystem::current_path(ignored);
  for (const Claim& claim : claims) {
    std::filesystem::current_path(claim.folder, ignored);
    for (const LabRun& run : claim.runs) {
      std::vector<Error> errors;
      lab_plan(claim, run, run.arms, /*quick=*/false, errors);
      if (errors.empty() && !run.quick.empty()) {
        lab_plan(claim, run, run.arms, /*quick=*/true, errors);
        for (Error& error : errors) error.message = "with --quick: " + error.message;
      }
      for (const Error& error : errors) {
        diagnostics.add(
            {config::Severity::kError, claim.file, run.place, error.message, error.hint});
      }
    }
  }
  std::filesystem::current_path(here, ignored);
}

// When, and on what machine.
std::string about() {
  std::string text = fmt::format("{:%F %T} UTC", fmt::gmtime(std::time(nullptr)));
  for (const bench::Fact& fact : bench::machine_fingerprint()) {
    const bool wanted = fact.name == "kernel" || fact.name == "processor" ||
                        fact.name == "processors" || fact.name == "processor limit";
    if (wanted) text += "; " + fact.name + ": " + fact.value;
  }
  return text;
}

// "", or the absolute path; --html is relative to where the command was given.
std::string page_file(const Arguments& arguments) {
  const auto file = arguments.value("html");
  return file ? std::filesystem::absolute(*file).string() : "";
}

std::string text_for_terminal(const LabResult& result) {
  constexpr std::size_t kMost = 100;
  const std::size_t columns = terminal_columns(STDOUT_FILENO);
  return lab_text(result, wants_color(STDOUT_FILENO),
                  columns > 0 ? std::min(columns, kMost) : kMost) +
         "\n";
}

int exit_code(const std::vector<LabResult>& results, bool failed) {
  bool untestable = false;
  for (const LabResult& result : results) {
    untestable = untestable || !result.tested();
    for (const LabRunResult& run : result.runs) {
      failed = failed || run.failed;
      for (const LabLeftOut& one : run.left_out) failed = failed || one.failed;
    }
  }
  return failed ? kExitFailure : untestable ? kExitNotTestable : kExitOk;
}

int run(const Arguments& arguments) {
  const bool quick = arguments.has("quick");
  config::Diagnostics diagnostics;
  auto claims = find_claims(claims_folder(arguments), arguments.positional(), diagnostics);
  if (!claims) {
    print_error(kProgram, claims.error());
    return kExitUsage;
  }
  if (diagnostics.ok()) check_workloads(*claims, diagnostics);
  if (!diagnostics.all().empty()) {
    diagnostics.sort();
    std::fputs(diagnostics.render(wants_color(STDERR_FILENO)).c_str(), stderr);
    if (!diagnostics.ok()) return kExitFailure;
  }
  const std::string cache =
      std::filesystem::absolute(arguments.value("cache").value_or(default_lab_cache()))
          .lexically_normal()
          .string();
  const bool json = arguments.has("json");
  if (arguments.has("list")) {
    return print_result(kProgram, json ? list_json(*claims, cache).dump(2) + "\n"
                                       : fitted(list_text(*claims, cache), STDOUT_FILENO))
               ? kExitOk
               : kExitFailure;
  }

  const std::string page = page_file(arguments);
  if (const auto can = page.empty() ? Result<void>() : can_write(page); !can) {
    print_error(kProgram, can.error());
    return kExitFailure;
  }

  Interrupt interrupt;
  bool failed = false;
  std::vector<LabResult> results;
  for (const Claim& claim : *claims) {
    if (interrupt.count() > 0) break;
    LabEnvironment environment(claim, cache);
    if (arguments.has("install")) {
      const auto installed = environment.install(interrupt, note);
      if (interrupt.count() > 0) break;
      if (!installed) print_error(kProgram, installed.error());
      failed = failed || !installed;
    }
    note(claim.name + (quick ? ", quick" : ""));
    LabResult result = test_claim(claim, environment, quick, interrupt);
    if (result.runs.empty()) break;
    if (!json && !print_result(kProgram, text_for_terminal(result))) return kExitFailure;
    results.push_back(std::move(result));
  }
  const std::string end = json                 ? lab_json(results).dump(2) + "\n"
                          : results.size() > 1 ? lab_table(results)
                                               : "";
  if (!print_result(kProgram, end)) return kExitFailure;
  if (const auto written =
          page.empty() ? Result<void>() : write_text(page, lab_page(results, about()));
      !written) {
    print_error(kProgram, written.error());
    return kExitFailure;
  }
  if (interrupt.count() > 0) {
    note("interrupted; " + std::to_string(results.size()) + " of " +
         std::to_string(claims->size()) + " claims were tested");
    return 128 + interrupt.signal();
  }
  return exit_code(results, failed);
}

}  // namespace

const Command kLabCommand = {"lab",        "measures claims about JavaScript and Python",
                             "[CLAIM...]", kExamples,
                             kOptions,     kSections,
                             kHints,       static_cast<std::size_t>(-1),
                             run};

}  // namespace duet::cli
