// A handler that is a service elsewhere: [handlers.NAME.upstream], and what is said about mistakes.
#include <gtest/gtest.h>

#include <sstream>

#include "host/config/toml_config.h"
#include "tests/unit/config/folder.h"

namespace duet::config {
namespace {

class TomlHandlerTest : public testing::Test {
 protected:
  TomlHandlerTest() { folder_.write("a.mjs"); }

  // The lines of [handlers.h] (from line 2) and a route to it.
  Config read(const std::string& lines) {
    diagnostics_ = {};
    const std::string text =
        "[handlers.h]\n" + lines + "[[routes]]\npath = \"/\"\nhandler = \"h\"\n";
    Config config =
        read_toml_config(text, {"duet.toml", folder_.path()}, {}, {}, diagnostics_).config;
    diagnostics_.sort();
    return config;
  }

  std::string messages(const std::string& lines) {
    read(lines);
    std::istringstream rendered(diagnostics_.render(false));
    std::string out;
    for (std::string line; std::getline(rendered, line);) {
      if (!line.starts_with(' ')) out += line + "\n";
    }
    return out;
  }

  Folder folder_;
  Diagnostics diagnostics_;
};

TEST_F(TomlHandlerTest, AServiceElsewhereHasItsOwnKeys) {
  const Config config = read(R"(source = "http://api:8080/v1/"
deadline = "3s"
body_limit = "1KiB"
[handlers.h.upstream]
connect = "100ms"
body = "off"
keep_alive = "1m"
connections = 7
)");
  ASSERT_TRUE(diagnostics_.ok()) << diagnostics_.render(false);
  const Handler& handler = config.handlers.at(0);
  EXPECT_EQ(handler.language, Language::kHttp);
  EXPECT_EQ(language_name(handler.language), "http");
  EXPECT_EQ(handler.source, "http://api:8080/v1");
  EXPECT_EQ(handler.deadline, 3 * kSecond);
  EXPECT_EQ(handler.body_limit, 1024u);
  EXPECT_EQ(handler.service.connect, 100 * kMillisecond);
  EXPECT_EQ(handler.service.body_idle, 0);
  EXPECT_EQ(handler.service.keep_alive, 60 * kSecond);
  EXPECT_EQ(handler.service.connections, 7u);
}

TEST_F(TomlHandlerTest, ExplainsMistakes) {
  const std::string service = "source = \"http://api\"\n";
  const struct {
    std::string lines, expected;
  } kCases[] = {
      {"source = \"ftp://api\"\n",
       "duet.toml:2:10: error: 'ftp://api' is no http:// URL (write \"http://127.0.0.1:8080\" or "
       "\"http://name:8080/prefix\")\n"},
      {"source = \"http://api?x=1\"\n",
       "duet.toml:2:10: error: 'http://api?x=1' has a query or a fragment: a service is a host and "
       "a prefix of paths (remove what follows '?' or '#')\n"},
      {service + "language = \"python\"\n",
       "duet.toml:2:10: error: 'http://api' is a service elsewhere: its language does not matter "
       "(remove 'language')\n"},
      {service + "env = { A = \"1\" }\nroot_path = \"/shop\"\n",
       "duet.toml:3:1: error: 'env' is for handlers that this host runs (remove it: the service is "
       "started by somebody else)\n"
       "duet.toml:4:1: error: 'root_path' is for handlers that this host runs (write the prefix "
       "into the source: http://host:port/prefix)\n"},
      {service + "blocking = true\n",
       "duet.toml:3:12: error: 'blocking' is for Python handlers only (remove it)\n"},
      {"source = \"a.mjs\"\n[handlers.h.upstream]\nconnect = \"1s\"\n",
       "duet.toml:3:13: error: 'upstream' is for a service elsewhere, by an http:// source (remove "
       "it, or write source = \"http://127.0.0.1:8080\")\n"},
      {service + "[handlers.h.upstream]\nread_timeout = \"1s\"\nconnections = 0\nconnect = "
                 "\"off\"\n",
       "duet.toml:4:1: error: unknown key 'read_timeout' in [handlers.h.upstream] (did you mean "
       "'body'?)\n"
       "duet.toml:5:15: error: 'connections' is out of range: 0 (1 to 10000 is allowed)\n"
       "duet.toml:6:11: error: 'connect' is out of range: off (1ms to 24h is allowed)\n"},
  };
  for (const auto& [lines, expected] : kCases) EXPECT_EQ(messages(lines), expected) << lines;
}

}  // namespace
}  // namespace duet::config
