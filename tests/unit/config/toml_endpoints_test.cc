// Where the host posts something, and what is said about each mistake there.
#include <gtest/gtest.h>

#include <sstream>

#include "host/config/toml_config.h"
#include "tests/unit/config/folder.h"

namespace duet::config {
namespace {

class TomlEndpointsTest : public testing::Test {
 protected:
  TomlEndpointsTest() { folder_.write("a.mjs"); }

  Config read(const std::string& server, const std::string& experiment) {
    diagnostics_ = {};
    const std::string text = "[server]\n" + server +
                             "\n[handlers]\njs = { source = \"a.mjs\" }\n[[routes]]\n"
                             "path = \"/\"\nhandler = \"js\"\n[[experiment]]\nname = \"c\"\n"
                             "route = \"/\"\nkey = \"random\"\n" +
                             experiment +
                             "\n[[experiment.variants]]\nhandler = \"js\"\n"
                             "[[experiment.variants]]\nname = \"two\"\nhandler = \"js\"\n";
    Config config =
        read_toml_config(text, {"duet.toml", folder_.path()}, {}, {}, diagnostics_).config;
    diagnostics_.sort();
    return config;
  }
  // The first message, without its place.
  std::string message(const std::string& server, const std::string& experiment) {
    read(server, experiment);
    std::istringstream rendered(diagnostics_.render(false));
    std::string line;
    std::getline(rendered, line);
    const std::size_t at = line.find("error: ");
    return at == line.npos ? line : line.substr(at + 7);
  }

  Folder folder_;
  Diagnostics diagnostics_;
};

TEST_F(TomlEndpointsTest, ReadsAWebhook) {
  const Config config =
      read("", "webhook = \"http://ops:81/duet/?t=1&u=/\"\nwebhook_secret = \"SECRET_1\"");
  ASSERT_EQ(diagnostics_.render(false), "");
  const Webhook& webhook = config.experiments.at(0).webhook.value();
  EXPECT_EQ(webhook.url.host, "ops");
  EXPECT_EQ(webhook.url.port, 81);
  EXPECT_EQ(webhook.url.authority, "ops:81");
  EXPECT_EQ(webhook.url.target, "/duet/?t=1&u=/");
  EXPECT_EQ(webhook.secret_variable, "SECRET_1");
  EXPECT_EQ(read("", "webhook = \"http://[::1]?x\"").experiments.at(0).webhook->url.target, "/?x");
  EXPECT_FALSE(read("", "").experiments.at(0).webhook);
}

TEST_F(TomlEndpointsTest, SaysWhatIsWrongWithAWebhook) {
  EXPECT_EQ(message("", "webhook = \"https://ops/\""),
            "'https://ops/' is reached by https, which duet does not speak (name it by http://, or "
            "put a proxy that speaks TLS in between)");
  EXPECT_NE(message("", "webhook = \"ops\"").find("'ops' is no http:// URL"), std::string::npos);
  EXPECT_NE(message("", "webhook = \"http://ops/a b?c d\"").find("percent-encode"),
            std::string::npos);
  EXPECT_NE(message("", "webhook = \"http://ops/?a b\"").find("percent-encode"), std::string::npos);
  EXPECT_NE(message("", "webhook = \"http://ops/?a#b\"").find("percent-encode"), std::string::npos);
  EXPECT_NE(message("", "webhook_secret = \"A\"").find("for experiments with a 'webhook'"),
            std::string::npos);
  EXPECT_NE(message("", "webhook = \"http://ops/\"\nwebhook_secret = \"p4ss word\"")
                .find("is no variable's name (the secret itself belongs into the environment"),
            std::string::npos);
  EXPECT_NE(message("", "hook = \"http://ops/\"").find("did you mean 'webhook'?"),
            std::string::npos);
}

TEST_F(TomlEndpointsTest, ReadsOtlp) {
  const std::string where = "[server.otlp]\nendpoint = \"http://127.0.0.1:4318\"\n";
  Config config = read(where, "");
  ASSERT_EQ(diagnostics_.render(false), "");
  ASSERT_TRUE(config.server.otlp);
  EXPECT_EQ(config.server.otlp->endpoint.target, "/v1/traces");
  EXPECT_EQ(config.server.otlp->endpoint.port, 4318);
  EXPECT_EQ(config.server.otlp->sample, 1);
  EXPECT_EQ(config.server.otlp->service, "duet");
  config =
      read(where + "sample = \"12.5%\"\nservice = \"shop\"\nheaders = { X-Token = \"t\" }", "");
  ASSERT_EQ(diagnostics_.render(false), "");
  EXPECT_EQ(config.server.otlp->sample, 0.125);
  EXPECT_EQ(config.server.otlp->service, "shop");
  EXPECT_EQ(config.server.otlp->headers.at(0).second, "t");
  EXPECT_EQ(read("[server.otlp]\nendpoint = \"http://a/base/\"", "").server.otlp->endpoint.target,
            "/base/v1/traces");
  EXPECT_EQ(
      read("[server.otlp]\nendpoint = \"http://a/v1/traces\"", "").server.otlp->endpoint.target,
      "/v1/traces");
  EXPECT_FALSE(read("", "").server.otlp);
}

TEST_F(TomlEndpointsTest, SaysWhatIsWrongWithOtlp) {
  EXPECT_NE(message("[server.otlp]\nsample = \"1%\"", "").find("has no 'endpoint'"),
            std::string::npos);
  const std::string where = "[server.otlp]\nendpoint = \"http://127.0.0.1:4318\"\n";
  EXPECT_NE(message(where + "headers = { \"a b\" = \"t\" }", "").find("'a b' is no field"),
            std::string::npos);
  EXPECT_NE(message(where + "headers = { a = \"t\\nX: y\" }", "").find("'a' is no field"),
            std::string::npos);
  EXPECT_NE(message(where + "headers = { a = 1 }", "").find("'a' is no field"), std::string::npos);
  EXPECT_NE(message(where + "ratio = 1", "").find("did you mean 'sample'?"), std::string::npos);
  EXPECT_NE(message(where + "sample = 2", "").find("sample"), std::string::npos);
}

}  // namespace
}  // namespace duet::config
