// Experiments on a host that serves: who gets which variant, and what becomes of a bad one.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using nlohmann::json;
using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TemporaryDirectory;

// A project with a JavaScript and a Python handler behind /c/{code}, and one experiment on it.
class Experiments : public ::testing::Test {
 protected:
  Experiments() {
    directory_.write("js.mjs",
                     "export default (r) => ({ by: 'js', variant: r.duet.variant, key: r.duet.key, "
                     "code: r.params.code });\n");
    directory_.write("py.py",
                     "async def fetch(request):\n"
                     "    info = request.duet\n"
                     "    return {'by': 'py', 'variant': info.variant, 'key': info.key,\n"
                     "            'code': request.params['code']}\n");
    directory_.write("failing.py", "def fetch():\n    raise ValueError('always')\n");
    directory_.write("missing.py", "import there_is_no_such_module\n");
  }

  std::string config(const std::string& experiment, const std::string& python = "py.py") {
    return directory_.write(
        "duet.toml", "[handlers]\njs = { source = \"js.mjs\" }\npy = { source = \"" + python +
                         "\" }\n[[routes]]\npath = \"/c/{code}\"\nhandler = \"js\"\n"
                         "[[experiment]]\nname = \"country\"\nroute = \"/c/{code}\"\n" +
                         experiment);
  }
  static std::string variants(const std::string& js, const std::string& py) {
    return "[[experiment.variants]]\nhandler = \"js\"\nweight = " + js +
           "\n[[experiment.variants]]\nhandler = \"py\"\nweight = " + py + "\n";
  }
  // What `duet experiment list` begins with.
  static std::string first_of_list(DuetHost& host) {
    const auto listed =
        testing_support::run(testing_support::duet_program(),
                             {.arguments = {"experiment", "list", "--admin", host.admin()},
                              .environment = {},
                              .directory = ""});
    return listed.out.substr(0, listed.out.find('\n'));
  }
  static std::string cookie(int visitor) {
    return "Cookie: visitor=" + std::to_string(visitor) + "\r\n";
  }

  TemporaryDirectory directory_;
};

TEST_F(Experiments, DivideTrafficBetweenLanguagesAndTellTheHandler) {
  DuetHost host({config("key = \"cookie:visitor\"\n[experiment.cookie]\n" + variants("1", "1"))});
  HttpClient client = host.client();
  int of[2] = {0, 0};
  for (int visitor = 0; visitor < 40; ++visitor) {
    const HttpResponse answer = client.get("/c/de", cookie(visitor));
    ASSERT_EQ(answer.status, 200) << answer.body;
    const json body = json::parse(answer.body);
    EXPECT_EQ(body["by"], body["variant"]);
    EXPECT_EQ(body["variant"], answer.value("Duet-Variant"));
    EXPECT_EQ(body["key"], std::to_string(visitor));
    EXPECT_EQ(body["code"], "de");
    EXPECT_FALSE(answer.get("Set-Cookie")) << "it has the cookie";
    ++of[body["by"] == "py"];
  }
  EXPECT_GT(of[0], 5);
  EXPECT_GT(of[1], 5);
  const HttpResponse first = client.get("/c/de");
  const std::string given = first.value("Set-Cookie");
  EXPECT_TRUE(given.starts_with("visitor=")) << given;
  EXPECT_TRUE(given.ends_with("; SameSite=Lax; Secure; HttpOnly")) << given;
  const std::string id = json::parse(first.body)["key"];
  EXPECT_EQ(client.get("/c/de", "Cookie: visitor=" + id + "\r\n").value("Duet-Variant"),
            first.value("Duet-Variant"));
  EXPECT_EQ(host.stop(), 0);
}

TEST_F(Experiments, RaisingAShareMovesNobodyAndRestartsMoveNobody) {
  std::string at_ten;
  for (const auto& [js, py] : {std::pair("90", "10"), std::pair("80", "20")}) {
    DuetHost host({config("key = \"cookie:visitor\"\n" + variants(js, py))});
    HttpClient client = host.client();
    std::string who;
    for (int visitor = 0; visitor < 300; ++visitor) {
      const bool of_py = client.get("/c/x", cookie(visitor)).value("Duet-Variant") == "py";
      who += of_py ? '1' : '0';
    }
    if (at_ten.empty()) {
      at_ten = who;
      continue;
    }
    for (std::size_t i = 0; i < who.size(); ++i) {
      if (at_ten[i] == '1') {
        EXPECT_EQ(who[i], '1') << "visitor " << i << " was moved";
      }
    }
    EXPECT_GT(std::count(who.begin(), who.end(), '1'),
              std::count(at_ten.begin(), at_ten.end(), '1'));
  }
}

TEST_F(Experiments, AVariantThatFailsEveryRequestIsOutWithinTenOfThemAtOnePercent) {
  DuetHost host({config("key = \"random\"\n" + variants("99", "1"), "failing.py")});
  HttpClient client = host.client();
  int failed = 0;
  for (int i = 0; i < 3000; ++i) failed += client.get("/c/x").status == 500;
  EXPECT_GT(failed, 0);
  EXPECT_LE(failed, 10);
  const json line = host.log_line("'py' is rolled back by the guardrail 'errors'");
  ASSERT_FALSE(line.is_null());
  EXPECT_EQ(line["experiment"], "country");
  EXPECT_EQ(line["variant"], "py");
}

TEST_F(Experiments, AndWithinFortyAtHalf) {
  DuetHost host({config("key = \"random\"\n" + variants("1", "1"), "failing.py")});
  HttpClient client = host.client();
  int failed = 0;
  for (int i = 0; i < 600; ++i) failed += client.get("/c/x").status == 500;
  EXPECT_GT(failed, 0);
  EXPECT_LE(failed, 40);
  EXPECT_EQ(client.get("/c/x").value("Duet-Variant"), "js");
  EXPECT_EQ(first_of_list(host), "country  running  js 100%, py 0% (rolled back)");
}

TEST_F(Experiments, AClientThatLeavesBeforeItsAnswerIsNoErrorOfTheVariant) {
  directory_.write("silent.py",
                   "import asyncio\n\nasync def fetch():\n    await asyncio.sleep(60)\n");
  DuetHost host({config("key = \"random\"\n" + variants("0", "1"), "silent.py")});
  constexpr int kClients = 5;
  std::vector<HttpClient> clients;
  const auto shown = [&](const char* field) {
    return host.api("/api/experiments/country")["variants"][1][field].get<int>();
  };
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(host.client());
    clients.back().send("GET /c/x HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  ASSERT_TRUE(eventually([&] { return shown("in_flight") == kClients; }));
  clients.clear();
  ASSERT_TRUE(eventually([&] { return shown("requests") == kClients; }));
  EXPECT_EQ(shown("errors"), 0);
}

TEST_F(Experiments, AVariantThatCannotBeLoadedIsDoneWithoutAndSaidLoudly) {
  DuetHost host({config("key = \"random\"\n" + variants("1", "9"), "missing.py")});
  HttpClient client = host.client();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.get("/c/x").value("Duet-Variant"), "js");
  const json line = host.log_line("'py' cannot answer, so 'js' gets its share");
  ASSERT_FALSE(line.is_null());
  EXPECT_EQ(line["level"], "error");
  EXPECT_NE(line["msg"].get<std::string>().find("there_is_no_such_module"), std::string::npos);
  EXPECT_EQ(first_of_list(host), "country  running  js 100%, py 0% (cannot answer)");
}

TEST_F(Experiments, AKeyThatNobodyCarriesIsReported) {
  DuetHost host({config("key = \"header:X-User\"\n" + variants("1", "1"))});
  HttpClient client = host.client();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.get("/c/x").value("Duet-Variant"), "js");
  EXPECT_FALSE(
      host.log_line("none of the first 100 requests has its key (header:X-User)").is_null());
}

TEST_F(Experiments, ARequestAsksForAVariantWhereTheOperatorAllowsIt) {
  DuetHost host({config("key = \"random\"\nallow_override = \"X-Want\"\n" + variants("1", "0"))});
  HttpClient client = host.client();
  EXPECT_EQ(client.get("/c/x").value("Duet-Variant"), "js");
  EXPECT_EQ(json::parse(client.get("/c/x", "X-Want: py\r\n").body)["by"], "py");
}

TEST_F(Experiments, DivideTheRouteOfAnApplication) {
  directory_.write("app.mjs", "export default (r) => 'app ' + new URL(r.url).pathname;\n");
  directory_.write("other.py", "def fetch(request):\n    return 'other ' + request.path\n");
  const std::string file = directory_.write("duet.toml", R"([handlers]
app = { source = "app.mjs" }
other = { source = "other.py" }
[[routes]]
path = "/*"
handler = "app"
[[experiment]]
name = "items"
application = "app"
route = "/items/:id"
key = "random"
[[experiment.variants]]
handler = "app"
weight = 0
[[experiment.variants]]
handler = "other"
)");
  DuetHost host({file});
  HttpClient client = host.client();
  EXPECT_EQ(client.get("/items/7").body, "other /items/7");
  const HttpResponse outside = client.get("/items");
  EXPECT_EQ(outside.body, "app /items");
  EXPECT_FALSE(outside.get("Duet-Variant"));
}

TEST_F(Experiments, AreShownAndChangedByTheCommandWithoutARestart) {
  DuetHost host({config("key = \"cookie:visitor\"\n" + variants("1", "1"))});
  HttpClient client = host.client();
  const auto duet = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "experiment");
    arguments.insert(arguments.end(), {"--by", "ann", "--admin", host.admin() + "/"});
    return testing_support::run(testing_support::duet_program(),
                                {.arguments = arguments, .environment = {}, .directory = ""});
  };
  for (int visitor = 0; visitor < 20; ++visitor) client.get("/c/x", cookie(visitor));
  EXPECT_TRUE(duet({"list"}).out.starts_with("country  running  js 50%, py 50%\n"));
  EXPECT_EQ(duet({"promote", "country", "py"}).out,
            "experiment 'country' is over: everybody gets 'py'\n");
  for (int visitor = 0; visitor < 10; ++visitor) {
    EXPECT_EQ(client.get("/c/x", cookie(visitor)).value("Duet-Variant"), "py");
  }
  EXPECT_EQ(duet({"ramp", "country", "0%"}).exit_code, 0);
  EXPECT_EQ(duet({"pin", "country", "7", "py"}).exit_code, 0);
  EXPECT_EQ(client.get("/c/x", cookie(7)).value("Duet-Variant"), "py");
  EXPECT_EQ(client.get("/c/x", cookie(8)).value("Duet-Variant"), "js");
  const std::string shown = duet({"show", "country"}).out;
  EXPECT_NE(shown.find("Z ann: experiment 'country': key '7' always gets 'py'\n"),
            std::string::npos)
      << shown;
  EXPECT_FALSE(host.log_line("key '7' always gets 'py'").is_null()) << "the log knows, too";

  const auto unknown = duet({"stop", "county"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(unknown.err,
            "duet experiment: error: there is no experiment 'county' (there are country)\n");
  EXPECT_EQ(duet({"halt"}).exit_code, 2);
  EXPECT_EQ(duet({"promote", "country"}).err,
            "duet experiment: error: 'promote' takes other arguments (duet experiment promote NAME "
            "VARIANT)\n");
}

TEST_F(Experiments, AreReportedAsTextAndAsAPage) {
  DuetHost host({config("key = \"random\"\naa = \"30%\"\n" + variants("1", "1"))});
  HttpClient client = host.client();
  for (int i = 0; i < 300; ++i) client.get("/c/x");
  const auto duet = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "report");
    arguments.insert(arguments.end(), {"--admin", host.admin()});
    return testing_support::run(testing_support::duet_program(),
                                {.arguments = arguments, .environment = {}, .directory = ""});
  };
  const std::string text = duet({}).out;
  EXPECT_TRUE(text.starts_with("country: ")) << text;
  for (const char* part : {"A/A: too few requests to say", "divided as configured", "CPU a request",
                           "cores per 10,000 requests/s", "waits on the loop for", "resident"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(json::parse(duet({"--json"}).out)["experiment"]["name"], "country");
  const std::string file = directory_.path() + "/report.html";
  EXPECT_EQ(duet({"country", "--html", file}).exit_code, 0);
  std::ifstream page(file);
  EXPECT_NE(std::string(std::istreambuf_iterator<char>(page), {}).find("Declared quantiles"),
            std::string::npos);
  EXPECT_EQ(duet({"county"}).err,
            "duet report: error: there is no experiment 'county' (there are country)\n");
  EXPECT_EQ(duet({"--html", "/no/such/file"}).exit_code, 1);
  const std::string metrics = HttpClient(host.admin()).get("/metrics").body;
  for (const char* name : {"js", "py"}) {
    EXPECT_NE(metrics.find(
                  "duet_variant_request_duration_seconds_count{experiment=\"country\",variant=\"" +
                  std::string(name) + "\",handler=\"" + name + "\"} "),
              std::string::npos);
  }
}

}  // namespace
}  // namespace duet
