// `duet check` as a person meets it, with the real router.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "host/cli/command.h"
#include "tests/unit/config/folder.h"

namespace duet::cli {
namespace {

constexpr const char* kGood =
    "[handlers.country]\nsource = \"country.mjs\"\n[handlers.search]\nsource = \"search.py\"\n"
    "[[routes]]\npath = \"/country/{code}\"\nmethods = [\"GET\", \"POST\"]\nhandler = \"country\"\n"
    "[[routes]]\npath = \"/{rest...}\"\nhandler = \"search\"\n";

class CheckCommandTest : public testing::Test {
 protected:
  CheckCommandTest() {
    unsetenv("PORT");
    folder_.write("country.mjs");
    folder_.write("search.py");
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_.path());
  }
  ~CheckCommandTest() override { std::filesystem::current_path(before_); }

  int check(const std::vector<std::string>& arguments) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const Command* const commands[] = {&kCheckCommand};
    std::vector<std::string> all{"check"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const int code = run_command_line(commands, all);
    out_ = folder_.anonymous(testing::internal::GetCapturedStdout());
    err_ = folder_.anonymous(testing::internal::GetCapturedStderr());
    return code;
  }

  config::Folder folder_;
  std::filesystem::path before_;
  std::string out_, err_;
};

TEST_F(CheckCommandTest, ShowsWhatWouldBeServed) {
  folder_.write("duet.toml", kGood);
  EXPECT_EQ(check({}), kExitOk);
  EXPECT_EQ(err_, "");
  EXPECT_EQ(out_,
            "DIR/duet.toml: no mistakes\n"
            "  listen  127.0.0.1:8000\n"
            "  admin   127.0.0.1:9000\n"
            "  route   GET,POST  /country/{code}  country (javascript)\n"
            "  route   any       /{rest...}       search (python)\n");
}

TEST_F(CheckCommandTest, FilesWithoutAConfiguration) {
  EXPECT_EQ(check({"country.mjs", "search.py"}), kExitOk);
  EXPECT_EQ(out_,
            "no mistakes\n"
            "  listen  127.0.0.1:8000\n"
            "  admin   127.0.0.1:9000\n"
            "  route   any  /country.mjs    country.mjs (javascript)\n"
            "  route   any  /country.mjs/*  country.mjs (javascript)\n"
            "  route   any  /search.py      search.py (python)\n"
            "  route   any  /search.py/*    search.py (python)\n");
}

TEST_F(CheckCommandTest, ShowsEveryMistake) {
  folder_.write("duet.toml", std::string(kGood) +
                                 "[[routes]]\npath = \"/a/{b\"\nhandler = \"serach\"\n"
                                 "[[routes]]\npath = \"/a/{id:int}\"\nhandler = \"search\"\n"
                                 "[[routes]]\npath = \"/x/*/y\"\nhandler = \"search\"\n"
                                 "[[routes]]\npath = \"/country/{iso}\"\nmethods = [\"POST\"]\n"
                                 "handler = \"search\"\n");
  EXPECT_EQ(check({"duet.toml"}), kExitFailure);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(
      err_,
      "duet.toml:13:12: error: '{' without '}' in the same segment (write {name})\n"
      "   13 | path = \"/a/{b\"\n"
      "      |            ^\n"
      "duet.toml:14:11: error: there is no handler 'serach' (did you mean 'search'?)\n"
      "   14 | handler = \"serach\"\n"
      "      |           ^~~~~~~~\n"
      "duet.toml:16:15: error: ':' in a parameter's name (names are letters, digits and '_', "
      "and start with no digit)\n"
      "   16 | path = \"/a/{id:int}\"\n"
      "      |               ^\n"
      "duet.toml:19:12: error: the rest of the path is not the last segment (end the pattern "
      "after \"*\")\n"
      "   19 | path = \"/x/*/y\"\n"
      "      |            ^\n"
      "duet.toml:22:8: error: this route is equal to the one at line 6, for POST (keep one of "
      "them, or give them different methods)\n"
      "   22 | path = \"/country/{iso}\"\n"
      "      |        ^~~~~~~~~~~~~~~~\n"
      "duet: 5 errors\n");
}

TEST_F(CheckCommandTest, WarningsAreNoFailure) {
  folder_.write("duet.toml", std::string(kGood) + "[server]\nadmin = \"0.0.0.0:9000\"\n");
  EXPECT_EQ(check({}), kExitOk);
  EXPECT_NE(err_.find("warning: other machines can reach"), err_.npos) << err_;
}

TEST_F(CheckCommandTest, UnknownOptionsAreUsageErrors) {
  EXPECT_EQ(check({"--fix"}), kExitUsage);
  EXPECT_EQ(err_, "duet: error: unknown option '--fix' (see --help)\n");
}

TEST_F(CheckCommandTest, ThereIsNothing) {
  EXPECT_EQ(check({}), kExitFailure);
  EXPECT_EQ(err_,
            "duet: error: nothing to serve: there is no duet.toml here, and no file was named (did "
            "you mean: duet serve country.mjs?)\n");
}

}  // namespace
}  // namespace duet::cli
