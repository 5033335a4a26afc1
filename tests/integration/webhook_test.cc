// What an experiment decides is told to its webhook, and no request waits for that.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/duet_host.h"
#include "tests/support/receiver.h"

namespace duet {
namespace {

using nlohmann::json;
using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::HostOptions;
using testing_support::HttpClient;
using testing_support::Receiver;
using testing_support::TemporaryDirectory;

class WebhookTest : public ::testing::Test {
 protected:
  WebhookTest() {
    directory_.write("good.mjs", "export default () => 'good';\n");
    directory_.write("bad.mjs", "export default () => { throw new Error('bad'); };\n");
  }
  std::string config(const std::string& url, const std::string& more = "") {
    return directory_.write(
        "duet.toml",
        "[server]\nstore = \"off\"\n[handlers]\ngood = { source = \"good.mjs\" }\n"
        "bad = { source = \"bad.mjs\" }\n[[routes]]\npath = \"/\"\nhandler = \"good\"\n"
        "[[experiment]]\nname = \"x\"\nroute = \"/\"\nkey = \"random\"\nwebhook = \"" +
            url + "\"\n" + more +
            "[[experiment.variants]]\nhandler = \"good\"\n[[experiment.variants]]\n"
            "handler = \"bad\"\n");
  }
  static void roll_back(DuetHost& host) {
    HttpClient client = host.client();
    ASSERT_TRUE(eventually([&] {
      client.get("/");
      return host.api("/api/experiments/x")["variants"][1]["rolled_back"] == true;
    }));
  }
  TemporaryDirectory directory_;
};

TEST_F(WebhookTest, ARollbackIsToldWithItsEvidenceAndSigned) {
  Receiver receiver;
  const std::string file =
      config(receiver.url("/hook?to=ops"), "webhook_secret = \"HOOK_SECRET\"\n");
  DuetHost host(HostOptions{.arguments = {file},
                            .environment = {{"HOOK_SECRET", "a secret"}},
                            .directory = "",
                            .listeners = 1});
  roll_back(host);
  ASSERT_TRUE(receiver.eventually_has(1));
  const Receiver::Post post = receiver.posts()[0];
  EXPECT_EQ(post.target, "/hook?to=ops");
  EXPECT_EQ(post.fields.at("content-type"), "application/json");
  const json body = json::parse(post.body);
  EXPECT_EQ(body["event"], "rolled_back");
  EXPECT_EQ(body["experiment"], "x");
  EXPECT_EQ(body["variant"], "bad");
  EXPECT_EQ(body["guardrail"], "errors");
  EXPECT_NE(body["sentence"].get<std::string>().find("'bad' is rolled back"), std::string::npos);
  EXPECT_EQ(body["id"].get<std::string>().size(), 32u);
  EXPECT_TRUE(body["time"].get<std::string>().starts_with("20"));
  const json& evidence = body["evidence"];
  EXPECT_EQ(evidence["events"], evidence["requests"]) << "all of them failed";
  EXPECT_GT(evidence["events"], 0);
  EXPECT_EQ(evidence["control_events"], 0);
  EXPECT_LE(evidence["p_value"], evidence["alpha"]);
  EXPECT_EQ(body["shares"]["bad"], 0);
  // The signature is what anybody else computes of the same bytes.
  const std::string bytes = directory_.write("body", post.body);
  const auto python = testing_support::run(
      "/usr/bin/env", {.arguments = {"python3", "-c",
                                     "import hashlib, hmac, sys; print(hmac.new(b'a secret', "
                                     "open(sys.argv[1], 'rb').read(), 'sha256').hexdigest())",
                                     bytes},
                       .environment = {},
                       .directory = ""});
  EXPECT_EQ(post.fields.at("duet-signature") + "\n", "sha256=" + python.out);
  // An operator's own word is none of its business.
  EXPECT_EQ(receiver.posts().size(), 1u);
}

TEST_F(WebhookTest, AServiceThatIsDownIsTriedAgainAndNoRequestWaits) {
  const std::uint16_t port = testing_support::free_port();
  DuetHost host({config("http://127.0.0.1:" + std::to_string(port) + "/")});
  roll_back(host);
  EXPECT_FALSE(host.log_line("webhook of the experiment 'x': cannot be delivered").is_null());
  EXPECT_EQ(host.client().get("/").status, 200);
  Receiver receiver(port);
  ASSERT_TRUE(receiver.eventually_has(1));
  EXPECT_EQ(json::parse(receiver.posts()[0].body)["event"], "rolled_back");
  EXPECT_FALSE(host.log_line("is delivered again").is_null());
}

TEST_F(WebhookTest, ASecretThatIsNotSetEndsTheStart) {
  const std::string file = config("http://127.0.0.1:1/", "webhook_secret = \"DUET_NO_SUCH\"\n");
  const auto duet = testing_support::run(
      testing_support::duet_program(),
      {.arguments = {"serve", file, "--listen", "127.0.0.1:0", "--admin", "off"},
       .environment = {},
       .directory = ""});
  EXPECT_EQ(duet.exit_code, 1);
  EXPECT_NE(duet.err.find("the variable 'DUET_NO_SUCH', which is to hold the webhook's secret"),
            std::string::npos)
      << duet.err;
}

}  // namespace
}  // namespace duet
