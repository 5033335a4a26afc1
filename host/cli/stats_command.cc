// `duet stats`: the formulas behind the verdicts, each on its own, to hold against others.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "host/base/log.h"
#include "host/cli/command.h"
#include "host/cli/stats_lines.h"

namespace duet::cli {

namespace {

constexpr HelpRow kExamples[] = {
    {"duet stats < questions.jsonl", "an answer for each line"},
    {"echo '{\"fn\":\"log_e\",\"k\":710,\"n\":1467,\"theta\":0.5,\"c\":100}' | duet stats", ""},
};

constexpr Option kOptionList[] = {kHelpOption};
constexpr OptionGroup kOptions[] = {{"Options", kOptionList}};

constexpr HelpRow kFunctionRows[] = {
    {"log_e", "k, n, theta, c: ln of the evidence that k of n do not come from theta"},
    {"log_e_multi",
     "counts, weights, c: the same for several arms whose shares are proportional to the weights "
     "(any sum); also as log_e"},
    {"concentration", "t_opt, alpha: the c tuned for a sample of t_opt; also as c"},
    {"uniform_radius", "t, alpha: band around a distribution of t observations; also as radius"},
    {"mean_halfwidth",
     "n, se, alpha, n_star: of the interval of a mean difference; also as halfwidth"},
    {"quantile_log_e",
     "a, b, p, c: that the p-quantiles of two histograms differ, by the counts of their buckets "
     "in ascending order; also as log_e"},
};

constexpr HelpSection kSections[] = {
    {"Functions (fn) and their arguments", kFunctionRows, {}},
    {"Lines",
     {},
     "One JSON object a line on standard input, one on standard output, in the same\n"
     "order and each at once: a program may ask and wait. The answer is under the\n"
     "function's name, and under the formula's own name where that differs. A line\n"
     "that cannot be evaluated gets {\"error\":\"…\"} and the rest go on. Numbers have\n"
     "17 digits."},
    {"Exit codes",
     {},
     "0 at the end of the input, 1 reading or writing failed, 2 command line wrong."},
};

int run(const Arguments&) {
  char* buffer = nullptr;
  std::size_t capacity = 0;
  ssize_t length = 0;
  while ((length = getline(&buffer, &capacity, stdin)) >= 0) {
    std::string_view line(buffer, static_cast<std::size_t>(length));
    if (line.ends_with('\n')) line.remove_suffix(1);
    const std::string answer = answer_stats_line(line) + "\n";
    const bool written = std::fwrite(answer.data(), 1, answer.size(), stdout) == answer.size();
    if (!written || std::fflush(stdout) != 0) {
      log::error("duet stats: an answer could not be written to standard output");
      std::free(buffer);
      return kExitFailure;
    }
  }
  std::free(buffer);
  if (std::ferror(stdin) == 0) return kExitOk;
  log::error("duet stats: standard input could not be read");
  return kExitFailure;
}

}  // namespace

const Command kStatsCommand = {"stats",
                               "evaluates the formulas behind the verdicts, line by line",
                               "< JSON-LINES",
                               kExamples,
                               kOptions,
                               kSections,
                               {},
                               0,
                               run};

}  // namespace duet::cli
