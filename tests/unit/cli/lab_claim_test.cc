// claim.toml: what is read of it, and what is said of mistakes.
#include "host/cli/lab_claim.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::cli {
namespace {

constexpr Option kLoad[] = {
    {"rate", "NUMBER", "", ""},   {"closed", "", "", ""},   {"cold", "", "", ""},
    {"duration", "TIME", "", ""}, {"path", "PATH", "", ""}, {"header", "'A: b'", "", "", true},
    {"json", "", "", ""},
};
constexpr OptionGroup kClaimGroups[] = {{"Load", kLoad}};

struct Read {
  Claim claim;
  config::Diagnostics diagnostics;
};

Read read(std::string text, const char* package_json = nullptr,
          const char* requirements = nullptr) {
  Read result;
  result.claim.name = "fast";
  result.claim.folder = "/claims/fast";
  result.claim.file = "claim.toml";
  ClaimFiles files{std::move(text), std::nullopt, std::nullopt, std::nullopt};
  if (package_json != nullptr) files.package_json = package_json;
  if (requirements != nullptr) files.requirements = requirements;
  read_claim(files, kClaimGroups, result.claim, result.diagnostics);
  return result;
}

constexpr const char* kHead = "claim = \"c\"\nsource = \"s\"\n";
constexpr const char* kArms =
    "[[arms]]\nname = \"js\"\nhandler = \"a.mjs\"\n"
    "[[arms]]\nname = \"node http\"\ncommand = \"node a.mjs {port}\"\n";

TEST(LabClaim, IsRead) {
  const Read read_it =
      read(std::string(kHead) + "note = \"n\"\n" + kArms +
               "npm = [\"express\"]\npython = \"Fast_API\"\nprograms = [\"mosquitto\"]\n"
               "variables = [\"DATABASE_URL\"]\n"
               "[[services]]\nname = \"up\"\nhandler = \"up.mjs\"\nvariable = \"UPSTREAM\"\n"
               "[[runs]]\ntitle = \"t\"\ncpu = \"25%\"\n"
               "workload = { closed = true, rate = 500, header = [\"A: b\", \"C: d\"] }\n"
               "quick = { duration = \"2s\" }\n"
               "[[runs.compare]]\nabout = \"x\"\narm = \"js\"\nthan = \"node http\"\n"
               "figure = \"throughput\"\nclaimed = \"3x\"\n"
               "[[runs.split]]\nchain = [\"js\", \"node http\"]\nparts = [\"server\"]\n"
               "figure = \"p50\"\n",
           "{\"dependencies\": {\"express\": \"5.3.0\", \"loose\": \"^1.0.0\"}}",
           "fast-api[all]==0.1.0  # why\nother>=1\n");
  ASSERT_TRUE(read_it.diagnostics.ok()) << read_it.diagnostics.render(false);
  const Claim& claim = read_it.claim;
  EXPECT_EQ(claim.claim, "c");
  EXPECT_EQ(claim.note, "n");
  ASSERT_EQ(claim.arms.size(), 2u);
  EXPECT_FALSE(claim.arms[0].is_command);
  EXPECT_TRUE(claim.arms[1].is_command);
  EXPECT_EQ(claim.arms[1].needs.npm, std::vector<std::string>{"express"});
  EXPECT_EQ(claim.arms[1].needs.python, std::vector<std::string>{"fast-api"});
  EXPECT_EQ(claim.npm.at("express"), "5.3.0");
  EXPECT_FALSE(claim.npm.contains("loose"));
  EXPECT_EQ(claim.python.at("fast-api"), "0.1.0");
  ASSERT_EQ(claim.services.size(), 1u);
  EXPECT_EQ(claim.services[0].variable, "UPSTREAM");
  ASSERT_EQ(claim.runs.size(), 1u);
  const LabRun& run = claim.runs[0];
  EXPECT_EQ(run.cpu, 0.25);
  EXPECT_EQ(run.arms, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(run.options,
            (std::vector<std::string>{"--closed", "--rate=500", "--header=A: b", "--header=C: d"}));
  EXPECT_EQ(run.quick, std::vector<std::string>{"--duration=2s"});
  ASSERT_EQ(run.compares.size(), 1u);
  EXPECT_EQ(run.compares[0].than, 1u);
  EXPECT_EQ(run.compares[0].claimed->low, 3);
  ASSERT_EQ(run.splits.size(), 1u);
}

// Each mistake with its line, its column and what to do about it.
TEST(LabClaim, MistakesHaveTheirPlace) {
  struct Case {
    std::string text;
    std::string_view says;
  };
  const std::string arms = std::string(kHead) + kArms;  // eight lines
  const std::string run = arms + "[[runs]]\n";
  const auto compare = [&](const std::string& rest) {
    return run + "[[runs.compare]]\narm = \"js\"\n" + rest;
  };
  const Case cases[] = {
      {"claim = \"c\"\nsorce = \"s\"\n" + std::string(kArms),
       "claim.toml:2:1: error: unknown key 'sorce' (did you mean 'source'?)"},
      {"clam = ", "claim.toml:1:"},
      {std::string(kHead), "claim.toml:1:1: error: 'arms' is missing"},
      {arms, "claim.toml:1:1: error: 'runs' is missing"},
      {std::string(kHead) + "[[arms]]\nname = \"js\"\n",
       "claim.toml:3:1: error: [[arms]] has neither 'handler' nor 'command'"},
      {std::string(kHead) + "[[arms]]\nname = \"js\"\nfile = \"a.mjs\"\n",
       "claim.toml:5:1: error: unknown key 'file' in [[arms]] (did you mean 'handler'?)"},
      {arms + "idle = 0\n", "claim.toml:9:8: error: "},
      {arms + "idle = 10\n[[runs]]\nworkload = { cold = true }\n",
       "claim.toml:10:1: error: 'node http' cannot start cold"},
      {arms + "scheme = \"htps\"\n", "claim.toml:9:10: error: "},
      {std::string(kHead) + "[[arms]]\nname = \"js\"\nhandler = \"a.mjs\"\nscheme = \"https\"\n",
       "claim.toml:6:10: error: duet serves no https"},
      {arms + "scheme = \"https\"\n[[runs]]\nworkload = { cold = true }\n",
       "claim.toml:10:1: error: 'node http' cannot start cold (cold starts are asked by http:// "},
      {arms + "npm = [\"exprss\"]\n",
       "claim.toml:9:8: error: package.json has no exact version of 'exprss'"},
      {arms + "python = [\"flask\"]\n",
       "claim.toml:9:11: error: requirements.txt has no exact version of 'flask' (write "
       "flask==VERSION there)"},
      {run + "workload = { closd = true }\n",
       "claim.toml:10:14: error: unknown key 'closd' in [runs.workload] (did you mean 'closed'?)"},
      {run + "workload = { json = true }\n",
       "claim.toml:10:14: error: unknown key 'json' in [runs.workload]"},
      {run + "workload = { closed = 1 }\n",
       "claim.toml:10:23: error: 'closed' must be true or false"},
      {run + "workload = { rate = 1.5 }\n",
       "claim.toml:10:21: error: 'rate' must be text or an integer, not a decimal number"},
      {run + "arms = [\"jss\"]\n",
       "claim.toml:10:9: error: there is no arm called 'jss' (did you mean 'js'?)"},
      {run + "arms = [\"js\"]\n[[runs.compare]]\narm = \"js\"\nthan = \"node http\"\n"
             "figure = \"p50\"\n",
       "claim.toml:13:8: error: 'node http' is no arm of this run"},
      {compare("figure = \"p500\"\n"),
       "claim.toml:12:10: error: 'p500' is no 'figure' (did you mean 'p50'?)"},
      {compare("metric = \"p50\"\n"),
       "claim.toml:12:1: error: unknown key 'metric' in [[runs.compare]] (did you mean 'figure'?)"},
      {compare("figure = \"first_answer\"\n"),
       "claim.toml:12:10: error: 'first_answer' is a figure of cold starts (write cold = true in "
       "[runs.workload])"},
      {compare("figure = \"p50\"\nclaimed = \"3 times\"\n"),
       "claim.toml:13:11: error: '3 times' is nothing that can be claimed of a figure"},
      {compare("figure = \"p50\"\nclaimed = \"3x\"\n"),
       "claim.toml:13:11: error: of 'p50' that cannot be claimed (write \"< 20ms\", or name the "
       "other arm by 'than')"},
      {compare("than = \"node http\"\nfigure = \"p50\"\nclaimed = \"5ms\"\n"),
       "claim.toml:14:11: error: of 'p50' that cannot be claimed (write \"3x\": how many times as "
       "good)"},
      {compare("figure = \"p50\"\n[[runs.split]]\nchain = [\"js\"]\nparts = []\n"
               "figure = \"p50\"\n"),
       "error: a chain of arms has a part for each step from one to the next"},
      {arms + "[[arms]]\nname = \"js\"\nhandler = \"b.mjs\"\n",
       "error: there are two arms called 'js'"},
      {run + "cpu = 0.25\n", "claim.toml:10:7: error: "},
  };
  for (const Case& one : cases) {
    const Read read_it = read(one.text);
    const std::string said = read_it.diagnostics.render(false);
    EXPECT_FALSE(read_it.diagnostics.ok()) << one.text;
    EXPECT_NE(said.find(one.says), std::string::npos) << one.says << "\n" << said;
  }
}

TEST(LabClaim, NamesOfPythonAreAlikeHoweverTheyAreWritten) {
  EXPECT_EQ(python_name("Scikit_Learn"), "scikit-learn");
  EXPECT_EQ(python_name("ruamel.yaml"), "ruamel-yaml");
  EXPECT_EQ(python_name("a-_.b"), "a-b");
}

}  // namespace
}  // namespace duet::cli
