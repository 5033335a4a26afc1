#include "host/cli/options.h"

#include <gtest/gtest.h>

namespace duet::cli {
namespace {

constexpr Option kFirst[] = {{"listen", "ADDRESS", "", "", true}, {"admin", "ADDRESS", "", ""}};
constexpr Option kSecond[] = {
    {"dev", "", "", ""}, {"help", "", "", "", false, 'h'}, {"inspect", "[=PORT]", "", ""}};
constexpr OptionGroup kTwoGroups[] = {{"A", kFirst}, {"B", kSecond}};
constexpr OptionHint kHints[] = {{"port", "write --listen 127.0.0.1:PORT"},
                                 {"p", "write --listen 127.0.0.1:PORT"}};

using Strings = std::vector<std::string>;

Arguments parse(const Strings& arguments) { return parse_arguments(kTwoGroups, arguments, kHints); }

std::string errors(const Strings& arguments) {
  std::string text;
  const Arguments parsed = parse(arguments);
  for (const Error& error : parsed.errors()) text += error.to_string() + "\n";
  return text;
}

TEST(Options, AreTakenInAnyOrder) {
  const Arguments a = parse({"x.mjs", "--listen", "a:1", "--dev", "y.py", "--listen=b:2", "-h"});
  EXPECT_TRUE(a.errors().empty());
  EXPECT_EQ(a.positional(), (Strings{"x.mjs", "y.py"}));
  EXPECT_EQ(a.values("listen"), (Strings{"a:1", "b:2"}));
  EXPECT_TRUE(a.has("dev"));
  EXPECT_TRUE(a.has("help"));
  EXPECT_FALSE(a.value("admin").has_value());
}

TEST(Options, AfterTwoDashesEverythingIsAnArgument) {
  const Arguments a = parse({"--dev", "--", "--admin", "-x.mjs"});
  EXPECT_EQ(a.positional(), (Strings{"--admin", "-x.mjs"}));
  EXPECT_FALSE(a.has("admin"));
}

TEST(Options, ValuesMayBeEmptyOrBeginWithADash) {
  EXPECT_EQ(*parse({"--admin="}).value("admin"), "");
  EXPECT_EQ(*parse({"--admin", "-1"}).value("admin"), "-1");
  EXPECT_EQ(*parse({"--admin=a=b"}).value("admin"), "a=b");
  EXPECT_EQ(parse({"-"}).positional(), (Strings{"-"}));
}

TEST(Options, AValueThatMayBeLeftOutIsWrittenWithAnEqualsSign) {
  const Arguments a = parse({"--inspect", "x.mjs"});
  EXPECT_EQ(*a.value("inspect"), "");
  EXPECT_EQ(a.positional(), (Strings{"x.mjs"}));
  EXPECT_EQ(*parse({"--inspect=1"}).value("inspect"), "1");
  EXPECT_FALSE(parse({"x.mjs"}).has("inspect"));
  EXPECT_EQ(parse({"--inspct", "x.mjs"}).positional(), (Strings{"x.mjs"}));
}

TEST(Options, MistakesAreAllSaid) {
  EXPECT_EQ(errors({"--lisen", "a:1", "--admin", "--dev=yes", "-x", "--port", "80"}),
            "unknown option '--lisen' (did you mean '--listen'?)\n"
            "--admin needs a value (write --admin ADDRESS)\n"
            "--dev takes no value (write --dev)\n"
            "unknown option '-x' (see --help)\n"
            "unknown option '--port' (write --listen 127.0.0.1:PORT)\n");
  EXPECT_EQ(errors({"--admin", "a", "--admin", "b"}), "--admin is given twice (give it once)\n");
  EXPECT_EQ(errors({"--dev", "--dev"}), "");
  EXPECT_EQ(errors({"--listen"}), "--listen needs a value (write --listen ADDRESS)\n");
  EXPECT_EQ(errors({"--\x1b[31m"}), "unknown option '--\\e[31m' (see --help)\n");
}

TEST(Options, TheValueOfAnUnknownOptionIsNoArgument) {
  EXPECT_EQ(parse({"--lisen", "a:1", "x.mjs"}).positional(), (Strings{"x.mjs"}));
  EXPECT_EQ(parse({"-p", "80", "x.mjs"}).positional(), (Strings{"x.mjs"}));
  EXPECT_EQ(parse({"--dve", "x.mjs"}).positional(), (Strings{"x.mjs"}));
}

}  // namespace
}  // namespace duet::cli
