// What [[experiment]] of duet.toml means, and what is said about each mistake in it.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "host/config/toml_config.h"
#include "tests/unit/config/folder.h"

namespace duet::config {
namespace {

class TomlExperimentTest : public testing::Test {
 protected:
  TomlExperimentTest() {
    folder_.write("a.mjs");
    folder_.write("b.py");
  }

  // `lines` of [[experiment]] and its tables, behind two handlers and two routes (8 lines).
  Config read(const std::string& lines) {
    diagnostics_ = {};
    const std::string text =
        "[handlers]\njs = { source = \"a.mjs\" }\npy = { source = \"b.py\" }\n[[routes]]\n"
        "path = \"/c/{code}\"\nhandler = \"js\"\n[[experiment]]\n" +
        lines;
    Config config =
        read_toml_config(text, {"duet.toml", folder_.path()}, {}, {}, diagnostics_).config;
    diagnostics_.sort();
    return config;
  }

  // The messages about one mistake, without the lines that are shown below them.
  std::string messages(const std::string& lines) {
    read(lines);
    std::istringstream rendered(diagnostics_.render(false));
    std::string out;
    for (std::string line; std::getline(rendered, line);) {
      if (!line.starts_with(' ') && line.find("this build") == line.npos) out += line + "\n";
    }
    return out;
  }

  Folder folder_;
  Diagnostics diagnostics_;
};

constexpr const char* kWhere = "name = \"c\"\nroute = \"/c/{code}\"\nkey = \"random\"\n";
constexpr const char* kVariants =
    "[[experiment.variants]]\nhandler = \"js\"\n[[experiment.variants]]\nhandler = \"py\"\n";

TEST_F(TomlExperimentTest, ReadsEverything) {
  const Config config = read(R"(name = "country"
route = "/c/{code}"
key = "cookie:visitor"
salt = "s"
start = 2026-12-01T08:00:00+01:00
end = 2027-01-01T00:00:00Z
holdout = "5%"
allow_override = "X-Duet-Variant"
alpha = 0.01
control = "py"
aa = "20%"
[experiment.cookie]
same_site = "Strict"
secure = false
http_only = false
max_age = "1h"
[experiment.eligible]
methods = ["GET"]
header = "X-Beta: yes"
percentage = "50%"
[[experiment.variants]]
handler = "js"
weight = 0.5
[[experiment.variants]]
handler = "py"
[[experiment.variants]]
name = "go"
handler = "js"
[[experiment.guardrails]]
errors = true
weight = "1%"
[[experiment.guardrails]]
slower_than = "250ms"
[[experiment.guardrails]]
quantile = 0.99
ratio = 1.2
[[experiment.guardrails]]
cpu = "5ms"
[[experiment.guardrails]]
loop_lag = "20ms"
[experiment.ramp]
steps = ["1%", "5%", "25%"]
least_time = "1m"
ratio_margin = 0.25
rate_margin = "2%"
)");
  ASSERT_TRUE(diagnostics_.ok()) << diagnostics_.render(false);
  ASSERT_EQ(config.experiments.size(), 1u);
  const Experiment& one = config.experiments[0];
  EXPECT_EQ(one.name, "country");
  EXPECT_EQ(one.salt, "s");
  EXPECT_EQ(one.route_indices, (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(one.key, KeySource::kCookie);
  EXPECT_EQ(one.key_name, "visitor");
  EXPECT_EQ(one.start, 1796108400.0);
  EXPECT_EQ(one.end, 1798761600.0);
  EXPECT_EQ(one.holdout, 0.05);
  EXPECT_EQ(one.override_header, "X-Duet-Variant");
  EXPECT_EQ(one.alpha, 0.01);
  EXPECT_EQ(one.control, 1u);
  ASSERT_TRUE(one.cookie);
  EXPECT_EQ(one.cookie->same_site, VisitorCookie::SameSite::kStrict);
  EXPECT_FALSE(one.cookie->secure);
  EXPECT_EQ(one.cookie->max_age, 3600 * kSecond);
  EXPECT_EQ(one.methods, std::vector<std::string>{"GET"});
  EXPECT_EQ(one.header + "=" + one.header_value, "X-Beta=yes");
  EXPECT_EQ(one.eligible, 0.5);
  ASSERT_EQ(one.variants.size(), 4u);
  EXPECT_EQ(one.variants[0].weight, 0.5);
  EXPECT_EQ(one.variants[2].name, "go");
  EXPECT_EQ(one.variants[2].handler, one.variants[0].handler);
  EXPECT_TRUE(one.variants[3].aa);
  EXPECT_EQ(one.variants[3].handler, one.variants[1].handler);
  EXPECT_NEAR(one.variants[3].weight / (2.5 + one.variants[3].weight), 0.2, 1e-9);
  ASSERT_EQ(one.guardrails.size(), 5u);
  EXPECT_EQ(one.guardrails[0].weight, 0.01);
  EXPECT_EQ(one.guardrails[1].limit, 250 * kMillisecond);
  EXPECT_EQ(one.guardrails[2].ratio, 1.2);
  EXPECT_EQ(one.guardrails[3].kind, Guardrail::Kind::kCpu);
  EXPECT_EQ(one.guardrails[4].kind, Guardrail::Kind::kLoopLag);
  EXPECT_EQ(one.ramp.steps, (std::vector<double>{0.01, 0.05, 0.25}));
  EXPECT_EQ(one.ramp.rate_margin, 0.02);
}

TEST_F(TomlExperimentTest, FillsInDefaults) {
  const Config config = read(std::string(kWhere) + kVariants);
  ASSERT_TRUE(diagnostics_.ok()) << diagnostics_.render(false);
  ASSERT_EQ(config.experiments.size(), 1u);
  EXPECT_EQ(config.experiments[0].salt, "c");
  ASSERT_EQ(config.experiments[0].guardrails.size(), 1u) << "errors are watched unless told not to";
  EXPECT_TRUE(diagnostics_.all().empty()) << "a variant's handler needs no route";
}

TEST_F(TomlExperimentTest, ExplainsMistakes) {
  const std::string variant = "[[experiment.variants]]\nhandler = \"js\"\n";
  const struct {
    std::string lines, expected;
  } kCases[] = {
      {std::string(kWhere) + variant + "weight = 0\n" +
           "[[experiment.variants]]\nhandler = \"py\"\n"
           "weight = 0\n",
       "duet.toml:11:1: error: the weights of 'c' add up to 0 (give at least one variant a weight "
       "above 0)\n"},
      {std::string(kWhere) + kVariants + "weight = -3\n",
       "duet.toml:15:10: error: 'weight' is out of range: -3 (0 to 1e+09 is allowed)\n"},
      {std::string(kWhere) + variant + "[[experiment.variants]]\nhandler = \"pi\"\n",
       "duet.toml:14:11: error: there is no handler 'pi' (did you mean 'py'?)\n"},
      {std::string(kWhere) + "control = \"p\"\n" + kVariants,
       "duet.toml:11:11: error: there is no variant 'p' (variants are js or py)\n"},
      {std::string(kWhere) + variant,
       "duet.toml:11:1: error: an experiment has at least two variants (add another "
       "[[experiment.variants]])\n"},
      {std::string(kWhere) + variant + variant,
       "duet.toml:14:11: error: two variants are called 'js' (give one a 'name' of its own)\n"},
      {"name = \"c\"\nroute = \"/c/{cod}\"\nkey = \"random\"\n" + std::string(kVariants),
       "duet.toml:9:9: error: there is no route '/c/{cod}' (did you mean '/c/{code}'?; a route "
       "inside an application needs application = \"NAME\")\n"},
      {"name = \"c\"\nroute = \"/c/{code}\"\n" + std::string(kVariants),
       "duet.toml:7:1: error: [[experiment]] has no 'key': what a request is assigned by (add key "
       "= "
       "\"cookie:NAME\", \"header:NAME\", \"query:NAME\", \"address\", or \"random\" for a fresh "
       "one each request)\n"},
      {"name = \"c\"\nroute = \"/c/{code}\"\nkey = \"cookie\"\n" + std::string(kVariants),
       "duet.toml:10:7: error: 'cookie' names no cookie (write key = \"cookie:NAME\")\n"},
      {std::string(kWhere) + kVariants + "[experiment.cookie]\n",
       "duet.toml:15:13: error: 'cookie' is for experiments whose key is a cookie (write key = "
       "\"cookie:duet_visitor\", or remove [experiment.cookie])\n"},
      {std::string(kWhere) + kVariants + "[[experiment.guardrails]]\nslower_then = \"1s\"\n",
       "duet.toml:15:1: error: a guardrail must say what it watches (errors = true, slower_than = "
       "\"250ms\", quantile = 0.99, cpu = \"5ms\" or loop_lag = \"20ms\"; write "
       "[[experiment.guardrails]] once for each)\n"
       "duet.toml:16:1: error: unknown key 'slower_then' in [[experiment.guardrails]] (did you "
       "mean "
       "'slower_than'?)\n"},
      {std::string(kWhere) + "start = 2026-12-01T08:00:00\n" + kVariants,
       "duet.toml:11:9: error: 'start' does not say where on Earth it is that time (write start = "
       "2026-12-01T08:00:00Z, without quotes, with Z or an offset such as +01:00)\n"},
      {std::string(kWhere) + kVariants + "[experiment.ramp]\nsteps = [\"60%\", \"150%\"]\n",
       "duet.toml:16:17: error: 'steps' must be a percentage in quotes, 0% to 100%, not '150%' "
       "(write steps = [\"1%\", \"5%\", \"25%\", \"50%\"])\n"},
  };
  for (const auto& [lines, expected] : kCases) EXPECT_EQ(messages(lines), expected) << lines;
}

TEST_F(TomlExperimentTest, AVariantMayBeAServiceElsewhere) {
  const Config config = read(std::string(kWhere) +
                             "[[experiment.variants]]\nhandler = \"js\"\n"
                             "[[experiment.variants]]\nname = \"go\"\n"
                             "handler = \"http://127.0.0.1:8080/v1/\"\n"
                             "[[experiment.variants]]\nname = \"again\"\n"
                             "handler = \"http://127.0.0.1:8080/v1\"\n"
                             "[server]\ndeadline = \"2s\"\n");
  ASSERT_TRUE(diagnostics_.ok()) << diagnostics_.render(false);
  ASSERT_EQ(config.handlers.size(), 3u) << "one URL is one handler";
  const Handler& service = config.handlers[2];
  EXPECT_EQ(service.name, "http://127.0.0.1:8080/v1");
  EXPECT_EQ(service.source, service.name);
  EXPECT_EQ(service.language, Language::kHttp);
  EXPECT_EQ(service.deadline, 2 * kSecond);
  EXPECT_TRUE(service.default_body_limit);
  ASSERT_EQ(config.experiments.size(), 1u);
  EXPECT_EQ(config.experiments[0].variants[1].handler, 2u);
  EXPECT_EQ(config.experiments[0].variants[2].handler, 2u);
}

TEST_F(TomlExperimentTest, ExplainsMistakesInServicesElsewhere) {
  const std::string begin =
      std::string(kWhere) + "[[experiment.variants]]\nhandler = \"js\"\n[[experiment.variants]]\n";
  const struct {
    std::string lines, expected;
  } kCases[] = {
      {"handler = \"http://api:8080\"\n",
       "duet.toml:14:11: error: a variant that is a service elsewhere needs a 'name' (add name = "
       "\"go\", for example)\n"},
      {"name = \"go\"\nhandler = \"https://api\"\n",
       "duet.toml:15:11: error: 'https://api' is reached by https, which duet does not speak (name "
       "it by http://, or put a proxy that speaks TLS in between)\n"},
      {"name = \"go\"\nhandler = \"http://api:99999\"\n",
       "duet.toml:15:11: error: 'http://api:99999' has no valid port: a number from 1 to 65535 "
       "(write \"http://127.0.0.1:8080\" or \"http://name:8080/prefix\")\n"},
      {"name = \"go\"\nhandler = \"http://user:secret@api\"\n",
       "duet.toml:15:11: error: 'http://user:secret@api' holds credentials (remove them: whoever "
       "asks brings its own fields)\n"},
      {"name = \"go\"\nhandler = \"http://api/" + std::string(60, 'x') + "\"\n",
       "duet.toml:15:11: error: the URL is too long for the name of a handler (write "
       "[handlers.NAME] with source = this URL, and handler = \"NAME\" here)\n"},
  };
  for (const auto& [lines, expected] : kCases) EXPECT_EQ(messages(begin + lines), expected);
}

TEST_F(TomlExperimentTest, ReadsShadowTraffic) {
  const Config config = read(std::string(kWhere) + kVariants + R"([experiment.shadow]
rate = "25%"
deadline = "2s"
concurrency = 8
safe = true
ignore = ["$.at", "$.items[*].id", "header:ETag", "body", "$"]
)");
  ASSERT_TRUE(diagnostics_.ok()) << diagnostics_.render(false);
  ASSERT_TRUE(config.experiments.at(0).shadow);
  const Shadow& shadow = *config.experiments[0].shadow;
  EXPECT_EQ(shadow.rate, 0.25);
  EXPECT_EQ(shadow.deadline, 2 * kSecond);
  EXPECT_EQ(shadow.concurrency, 8u);
  EXPECT_TRUE(shadow.safe);
  EXPECT_EQ(shadow.ignore.size(), 5u);
  EXPECT_FALSE(read(std::string(kWhere) + kVariants).experiments.at(0).shadow);
}

TEST_F(TomlExperimentTest, WhatCouldDoSomethingIsOnlyShadowedWhenDeclaredSafe) {
  const std::string shadow = "[experiment.shadow]\n";
  const std::string said =
      " requests would be carried out more than once by their copies (write safe = true if that "
      "does no harm, or methods = [\"GET\"] for the route or in [experiment.eligible])\n";
  EXPECT_EQ(messages(std::string(kWhere) + kVariants + shadow),
            "duet.toml:15:13: error: POST" + said)
      << "the route takes all methods";
  EXPECT_EQ(messages(std::string(kWhere) + kVariants +
                     "[experiment.eligible]\nmethods = [\"GET\", \"DELETE\"]\n" + shadow),
            "duet.toml:17:13: error: DELETE" + said);
  EXPECT_EQ(messages(std::string(kWhere) + kVariants + shadow + "safe = true\n"), "");
  EXPECT_EQ(messages(std::string(kWhere) + kVariants +
                     "[experiment.eligible]\nmethods = [\"GET\", \"HEAD\"]\n" + shadow),
            "");
}

TEST_F(TomlExperimentTest, ExplainsMistakesInShadowTraffic) {
  const std::string begin = std::string(kWhere) + kVariants + "[experiment.shadow]\nsafe = true\n";
  const struct {
    std::string line, expected;
  } kCases[] = {
      {"rate = 0.5",
       "duet.toml:17:8: error: 'rate' must be a percentage in quotes, 0% to 100%, not a decimal "
       "number (write rate = \"10%\")\n"},
      {"concurrency = 0",
       "duet.toml:17:15: error: 'concurrency' is out of range: 0 (1 to 64 is allowed)\n"},
      {"max_concurrency = 2",
       "duet.toml:17:1: error: unknown key 'max_concurrency' in [experiment.shadow] (did you mean "
       "'concurrency'?)\n"},
      {"ignore = [\"price\"]",
       "duet.toml:17:11: error: 'price' is neither a path in a JSON body nor a header (write "
       "\"$.created_at\", \"$.items[].id\", \"header:etag\" or \"body\")\n"},
      {"ignore = [\"header:\"]",
       "duet.toml:17:11: error: 'header:' names no header (write \"$.created_at\", "
       "\"$.items[].id\", \"header:etag\" or \"body\")\n"},
      {"ignore = [\"$.items[0].id\"]",
       "duet.toml:17:11: error: '$.items[0].id' names one element of an array, and all of them "
       "share a path (write \"$.created_at\", \"$.items[].id\", \"header:etag\" or "
       "\"body\")\n"},
      {"ignore = [\"$price\"]",
       "duet.toml:17:11: error: '$price' is no path (write \"$.created_at\", "
       "\"$.items[].id\", \"header:etag\" or \"body\")\n"},
  };
  for (const auto& [line, expected] : kCases) EXPECT_EQ(messages(begin + line + "\n"), expected);
  for (const std::string path : {"$.", "$..id", "$.a.", "$.[", "$.a[", "$.a[b]", "$.a]", "$.*"}) {
    const std::string said = messages(begin + "ignore = ['" + path + "']\n");
    EXPECT_NE(said.find("is no path"), std::string::npos) << path << ": " << said;
  }
  for (const std::string path : {"$", "$[]", "$.a[].b", "$.a[*][*]", "$[\"a.b\"].c", "$.größe"}) {
    EXPECT_EQ(messages(begin + "ignore = ['" + path + "']\n"), "") << path;
  }
}

TEST_F(TomlExperimentTest, KeepsExperimentsBesideTheFileUnlessToldOtherwise) {
  const auto read_with = [&](const std::string& store) {
    return read(kWhere + std::string(kVariants) + store).server.store;
  };
  EXPECT_EQ(read_with(""), folder_.path() + "/duet.db");
  EXPECT_EQ(read_with("[server]\nstore = \"../kept.db\"\n"),
            std::filesystem::path(folder_.path()).parent_path().string() + "/kept.db");
  EXPECT_EQ(read_with("[server]\nstore = \"off\"\n"), "");
  const std::string at = std::string(kWhere) + kVariants + "[server]\nstore = ";
  EXPECT_EQ(
      messages(at + "\"\"\n"),
      "duet.toml:16:9: error: 'store' is a file, and '' is none (write store = \"duet.db\", or "
      "\"off\")\n");
  EXPECT_EQ(messages(at + "\"no/such/duet.db\"\n"),
            "duet.toml:16:9: error: there is no folder '" + folder_.path() +
                "/no/such' (make it, or name a file elsewhere)\n");
  EXPECT_EQ(
      messages(at + "false\n"),
      "duet.toml:16:9: error: 'store' in [server] must be text, not true or false (write store = "
      "\"duet.db\", or \"off\")\n");
}

TEST_F(TomlExperimentTest, ARouteIsInOneExperiment) {
  EXPECT_NE(messages(std::string(kWhere) + kVariants +
                     "[[experiment]]\nname = \"d\"\nroute = \"/c/{code}\"\nkey = \"random\"\n" +
                     kVariants)
                .find("the route '/c/{code}' is in the experiment 'c' already"),
            std::string::npos);
}

}  // namespace
}  // namespace duet::config
