// What a person sees: help, and what is said about a command line that cannot be understood.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "host/cli/command.h"

namespace duet::cli {
namespace {

using Strings = std::vector<std::string>;

Strings given;  // what the command below got

constexpr HelpRow kExamples[] = {{"duet fry egg.mjs", "one egg"}};
constexpr Option kOptionList[] = {
    {"heat", "WATTS", "How much heat: a long explanation that does not fit into one line of it.",
     "800", true},
    kHelpOption,
};
constexpr OptionGroup kHeatGroups[] = {{"Heat", kOptionList}};
constexpr HelpRow kArguments[] = {{"EGG", "what to fry"}};
constexpr HelpSection kSections[] = {{"Arguments", kArguments, {}},
                                     {"Notes", {}, "one\n\n  two\n"}};
const Command kFry = {"fry",
                      "fries eggs",
                      "EGG...",
                      kExamples,
                      kHeatGroups,
                      kSections,
                      {},
                      2,
                      [](const Arguments& arguments) {
                        given = arguments.positional();
                        return 7;
                      }};
const Command kBoil = {
    "boil", "boils eggs", "", {}, {}, {}, {}, 0, [](const Arguments&) { return 8; }};
const Command* const kCommands[] = {&kFry, &kBoil};

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome run(const Strings& arguments) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = run_command_line(kCommands, arguments);
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(CommandLine, RunsACommand) {
  const Outcome outcome = run({"fry", "--heat", "5", "a", "b"});
  EXPECT_EQ(outcome.code, 7);
  EXPECT_EQ(given, (Strings{"a", "b"}));
  EXPECT_EQ(outcome.out + outcome.err, "");
}

TEST(CommandLine, HelpOfACommand) {
  const char* kText =
      "duet fry - fries eggs\n"
      "\n"
      "Examples\n"
      "  duet fry egg.mjs  one egg\n"
      "\n"
      "Usage\n"
      "  duet fry [OPTIONS] EGG...\n"
      "\n"
      "Arguments\n"
      "  EGG     what to fry\n"
      "\n"
      "Heat\n"
      "  --heat WATTS  How much heat: a long explanation that does not fit into one\n"
      "                line of it. May be repeated. (default: 800)\n"
      "  -h, --help    Show this help.\n"
      "\n"
      "Notes\n"
      "  one\n"
      "\n"
      "    two\n";
  for (const Strings& arguments :
       {Strings{"fry", "--help"}, Strings{"fry", "-h", "--nonsense"}, Strings{"help", "fry"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, kExitOk);
    EXPECT_EQ(outcome.out, kText);
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(CommandLine, HelpOfAllNamesEveryCommand) {
  for (const char* argument : {"--help", "-h", "help"}) {
    const Outcome outcome = run({argument});
    EXPECT_EQ(outcome.code, kExitOk);
    EXPECT_NE(outcome.out.find("  fry   "), outcome.out.npos) << outcome.out;
    EXPECT_NE(outcome.out.find("  boil  "), outcome.out.npos);
    EXPECT_EQ(outcome.out.find('\x1b'), outcome.out.npos) << "colour in a pipe";
    std::istringstream lines(outcome.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST(CommandLine, ColouredHelpHasBoldTitles) {
  EXPECT_NE(help_of(kFry, true).find("\x1b[1mUsage\x1b[0m"), std::string::npos);
}

TEST(CommandLine, NothingGivenShowsTheHelpAsAMistake) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("Usage"), outcome.err.npos);
}

TEST(CommandLine, UnknownCommands) {
  const auto said = [](const Strings& arguments) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, kExitUsage);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_EQ(said({"fyr"}), "duet: error: unknown command 'fyr' (did you mean 'fry'?)\n");
  EXPECT_EQ(said({"help", "bol"}), "duet: error: unknown command 'bol' (did you mean 'boil'?)\n");
  EXPECT_EQ(said({"xyzzy"}), "duet: error: unknown command 'xyzzy' (see duet --help)\n");
  EXPECT_EQ(said({"hello.mjs"}),
            "duet: error: unknown command 'hello.mjs' (did you mean: duet serve hello.mjs?)\n");
  EXPECT_EQ(said({"main:app"}),
            "duet: error: unknown command 'main:app' (did you mean: duet serve main:app?)\n");
  EXPECT_EQ(said({"--listen", "a"}),
            "duet: error: unknown option '--listen' (options follow the command: duet serve "
            "--listen)\n");
  EXPECT_EQ(said({"fry", "--haet", "3"}),
            "duet: error: unknown option '--haet' (did you mean '--heat'?)\n");
  EXPECT_EQ(said({"fry", "a", "b", "c"}),
            "duet: error: unexpected argument 'c' (see duet fry --help)\n");
  EXPECT_EQ(said({"\x1b[2J"}), "duet: error: unknown command '\\e[2J' (see duet --help)\n");
}

TEST(CommandLine, AForkedNodeChildFailsClearly) {
  setenv("NODE_CHANNEL_FD", "3", 1);
  const Outcome outcome = run({"/srv/worker.js"});
  unsetenv("NODE_CHANNEL_FD");
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.err,
            "duet: error: '/srv/worker.js' was started as if duet were node (child_process.fork) "
            "(give fork the path of a node: { execPath: \"/usr/bin/node\" })\n");
}

}  // namespace
}  // namespace duet::cli
