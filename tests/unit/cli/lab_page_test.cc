// The page of duet lab: what must be on it, and what must not.
#include "host/cli/lab_page.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::cli {
namespace {

LabResult result_of_two() {
  LabResult result;
  result.name = "fast";
  result.claim = "a is <fast>";
  result.source = "somebody";
  LabRunResult& run = result.runs.emplace_back();
  run.title = "under load";
  run.figures = {*lab_figure("throughput")};
  run.arms = {{"a", {{300, stats::BlockInterval{290, 310}, ""}}}};
  run.left_out = {{"c", "it needs flask 3.1.3 of PyPI", "duet lab fast --install", false}};
  run.basis = "20 rounds; A/A clean";
  LabCompared compared;
  compared.arm = "a";
  compared.than = "b";
  compared.figure = run.figures[0];
  compared.claimed = *parse_claimed("3x");
  compared.value = {2, stats::BlockInterval{1.9, 2.1}, ""};
  compared.finding = Finding::kLess;
  run.compares = {compared, compared};
  run.compares[1].value = {3, stats::BlockInterval{2.9, 3.1}, ""};
  run.compares[1].finding = Finding::kHolds;
  LabSplitted& split = run.splits.emplace_back();
  split.from = "b";
  split.to = "a";
  split.figure = compared.figure;
  split.total = compared.value;
  split.parts = {{"the server", compared.value}};
  LabRunResult& other = result.runs.emplace_back();
  other.untestable = "pg: it needs DATABASE_URL in the environment";
  return result;
}

TEST(LabPage, SaysItAllAndStandsAlone) {
  const std::string page = lab_page({result_of_two()}, "on a machine");
  for (const char* text :
       {"Of 2 claimed figures 1 hold here, 1 fall short, 0 are the other way round or false",
        "on a machine", "a is &lt;fast&gt;", "somebody",
        "a answers 1.90 to 2.10 times as many requests a second as b: in that direction, but less "
        "than claimed (3x)",
        "as claimed", "1.90x to 2.10x", "290 to 310", "it needs flask 3.1.3 of PyPI",
        "20 rounds; A/A clean", "the server",
        "Not testable on this machine: pg: it needs DATABASE_URL in the environment"}) {
    EXPECT_NE(page.find(text), std::string::npos) << text;
  }
  for (const char* text : {"<fast>", "<script", "http://", "https://"}) {
    // The namespace of SVG is a name and not fetched.
    std::string rest = page;
    for (std::size_t at = 0; (at = rest.find("http://www.w3.org/")) != std::string::npos;) {
      rest.erase(at, 18);
    }
    EXPECT_EQ(rest.find(text), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace duet::cli
