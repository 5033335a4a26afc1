#include "host/cli/bench_compare.h"

#include <algorithm>

#include "host/base/escape.h"
#include "host/cli/bench_verdict.h"

namespace duet::cli {

namespace {

const BundleArm* find(const std::vector<BundleArm>& arms, const std::string& name) {
  const auto found = std::find_if(arms.begin(), arms.end(), [&](const BundleArm& arm) {
    return arm.name == name && !arm.is_copy;
  });
  return found == arms.end() ? nullptr : &*found;
}

double share(const bench::Failures& of) {
  const auto all = static_cast<double>(of.requests);
  return all == 0 ? 0 : static_cast<double>(of.failed) / all;
}

void note_missing(const Bundle& in, const Bundle& from, std::vector<std::string>& notes) {
  for (const BundleArm& arm : in.arms) {
    if (arm.is_copy || find(from.arms, arm.name) != nullptr) continue;
    notes.push_back(printable(arm.name) + " is in " + printable(in.directory) + " only");
  }
}

}  // namespace

Result<ComparedRuns> compare_runs(const Bundle& before, const Bundle& now, bool force) {
  ComparedRuns runs;
  runs.notes = differences(before.fingerprint, now.fingerprint);
  for (std::string& one : differences(before.load, now.load)) runs.notes.push_back(std::move(one));
  if (!runs.notes.empty() && !force) {
    std::string detail;
    for (const std::string& note : runs.notes) detail += printable(note) + "\n";
    return Error{
        "the runs were not made alike, so a difference would say nothing of what was "
        "measured",
        {},
        "--force compares them all the same",
        detail};
  }
  for (const BundleArm& arm : now.arms) {
    const BundleArm* old = arm.is_copy ? nullptr : find(before.arms, arm.name);
    if (old == nullptr) continue;
    bench::CompareOptions options;
    options.closed = now.closed;
    options.paired = false;
    const std::string name = printable(arm.name);
    runs.arms.push_back({arm.name,
                         compare({old->rounds, arm.rounds}, options),
                         {{"before", false, share(old->failures), old->rounds.beyond_reach},
                          {name, false, share(arm.failures), arm.rounds.beyond_reach}},
                         {{"before", true, old->failures}, {name, false, arm.failures}}});
  }
  if (runs.arms.empty()) {
    return Error{"no target is in both runs", {}, "NAME=TARGET gives it the same name", {}};
  }
  for (const Bundle* bundle : {&before, &now}) {
    for (const std::string& one : bundle->disturbed) {
      runs.notes.push_back(printable(bundle->directory) + ": " + one);
    }
  }
  note_missing(before, now, runs.notes);
  note_missing(now, before, runs.notes);
  return runs;
}

std::vector<Judged> judge_runs(const std::vector<bench::Condition>& conditions,
                               const ComparedRuns& runs) {
  std::vector<Judged> all;
  for (const bench::Condition& condition : conditions) {
    Judged& judged = all.emplace_back(Judged{condition, {}});
    for (const ComparedArm& arm : runs.arms) {
      const auto one = judge_all({condition}, arm.comparison, arm.judged);
      judged.arms.insert(judged.arms.end(), one[0].arms.begin(), one[0].arms.end());
    }
  }
  return all;
}

std::string compared_text(const Bundle& before, const Bundle& now, const ComparedRuns& runs,
                          bool color) {
  std::string text;
  for (const ComparedArm& arm : runs.arms) {
    for (const bench::Verdict& verdict : verdicts(arm.comparison, arm.sides)) {
      text += (color ? "\x1b[1m" + verdict.sentence + "\x1b[0m" : verdict.sentence) + "\n";
    }
  }
  text += "\nbefore: " + printable(before.directory) + ", " + printable(before.started) +
          "; now: " + printable(now.directory) + ", " + printable(now.started) + "\n";
  text += "\n";
  for (const ComparedArm& arm : runs.arms) text += comparison_tables(arm.comparison, arm.sides);
  text +=
      "  Intervals at 95%, by resampling the rounds of each run: they hold what changed\n"
      "  within a run. What changed on the machine between the runs is in the ratios\n"
      "  and in no interval; measuring both in one run avoids it.\n";
  if (!runs.notes.empty()) text += "\n";
  for (const std::string& note : runs.notes) {
    text += (color ? "\x1b[33m!\x1b[0m " : "! ") + printable(note) + "\n";
  }
  return text;
}

nlohmann::ordered_json compared_json(const Bundle& before, const Bundle& now,
                                     const ComparedRuns& runs) {
  nlohmann::ordered_json json;
  json["before"] = printable(before.directory);
  json["now"] = printable(now.directory);
  json["notes"] = nlohmann::ordered_json::array();
  for (const std::string& note : runs.notes) json["notes"].push_back(printable(note));
  for (const ComparedArm& arm : runs.arms) {
    nlohmann::ordered_json one = comparison_json(arm.comparison, arm.sides);
    one["name"] = printable(arm.name);
    json["targets"].push_back(std::move(one));
  }
  return json;
}

}  // namespace duet::cli
