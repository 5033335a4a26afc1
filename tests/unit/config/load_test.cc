// From the command line and the environment to a configuration.
#include "host/config/load.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "tests/unit/config/folder.h"

namespace duet::config {
namespace {

constexpr const char* kToml =
    "[server]\nlisten = [\"127.0.0.1:8100\"]\n[handlers.h]\nsource = \"hello.mjs\"\n[[routes]]\n"
    "path = \"/\"\nhandler = \"h\"\n";

class LoadTest : public testing::Test {
 protected:
  LoadTest() {
    folder_.write("hello.mjs");
    folder_.write("hello.py");
    folder_.write("sub/other.py");
  }

  Config load() {
    diagnostics_ = {};
    LoadContext context;
    context.directory = folder_.path();
    context.variable = [this](const std::string& name) -> std::optional<std::string> {
      const auto it = environment_.find(name);
      return it == environment_.end() ? std::nullopt : std::optional(it->second);
    };
    return config::load(request_, context, diagnostics_);
  }

  std::string errors() {
    load();
    std::istringstream lines(folder_.anonymous(diagnostics_.render(false)));
    std::string out;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(' ')) out += line + "\n";
    }
    return out;
  }

  std::string listen() {
    std::string out;
    for (const Address& address : load().server.listen) out += address.to_string() + " ";
    return out;
  }

  std::string routes() {
    std::string out;
    const Config config = load();
    for (const Route& route : config.routes) {
      out += route.pattern + "=" + config.handlers[route.handler].name + " ";
    }
    return out;
  }

  std::string environment() {
    std::string out;
    for (const auto& [name, value] : load().environment) out += name + "=" + value + " ";
    return out;
  }

  Folder folder_;
  LoadRequest request_;
  std::map<std::string, std::string> environment_;
  Diagnostics diagnostics_;
};

TEST_F(LoadTest, OneFileAnswersEverything) {
  request_.sources = {"hello.mjs"};
  const Config config = load();
  EXPECT_TRUE(diagnostics_.all().empty()) << diagnostics_.render(false);
  ASSERT_EQ(config.handlers.size(), 1u);
  EXPECT_EQ(config.handlers[0].name, "hello.mjs");
  EXPECT_EQ(config.handlers[0].source, folder_ / "hello.mjs");
  EXPECT_EQ(config.handlers[0].deadline, 30 * kSecond);
  EXPECT_EQ(config.handlers[0].body_limit, 1048576u);
  EXPECT_EQ(routes(), "/*=hello.mjs ");
  EXPECT_EQ(listen(), "127.0.0.1:8000 ");
  EXPECT_EQ(config.server.admin.at(0).to_string(), "127.0.0.1:9000");
  EXPECT_TRUE(config.server.admin_is_default);
}

TEST_F(LoadTest, SeveralFilesAnswerUnderTheirNames) {
  folder_.write("50%{x} off.mjs");
  request_.sources = {"hello.mjs", folder_ / "hello.py", "sub.other:app", "50%{x} off.mjs"};
  EXPECT_EQ(routes(),
            "/hello.mjs=hello.mjs /hello.mjs/*=hello.mjs /hello.py=hello.py /hello.py/*=hello.py "
            "/sub.other:app=sub.other:app /sub.other:app/*=sub.other:app "
            "/50%25%7Bx%7D%20off.mjs=50%{x} off.mjs /50%25%7Bx%7D%20off.mjs/*=50%{x} off.mjs ");
  const Config config = load();
  EXPECT_EQ(config.handlers[2].language, Language::kPython);
  EXPECT_EQ(config.handlers[2].root, folder_.path());
}

TEST_F(LoadTest, FilesThatCannotBeServedTogether) {
  folder_.write("sub/hello.py");
  request_.sources = {"hello.py", "sub/hello.py", "hello.py"};
  EXPECT_EQ(errors(),
            "duet: error: two files are called 'hello.py': each is served under its name (rename "
            "one, or give them routes in a duet.toml)\n"
            "duet: error: 'hello.py' is named twice (name it once)\n");
  request_.sources = {"hello.py", "http://api:8080"};
  EXPECT_EQ(errors(),
            "duet: error: 'http://api:8080' is a service elsewhere: its paths are unknown (serve "
            "it alone, or give it routes in a duet.toml)\n");
  request_.sources = {"http://api:8080"};
  EXPECT_EQ(routes(), "/*=http://api:8080 ");
}

TEST_F(LoadTest, WithoutArgumentsDuetTomlIsTaken) {
  EXPECT_EQ(errors(),
            "duet: error: nothing to serve: there is no duet.toml here, and no file was named (did "
            "you mean: duet serve hello.mjs?)\n");
  folder_.write("duet.toml", kToml);
  EXPECT_EQ(errors(), "");
  EXPECT_EQ(routes(), "/=h ");
  EXPECT_EQ(listen(), "127.0.0.1:8100 ");
  EXPECT_EQ(load().file, folder_ / "duet.toml");
}

TEST_F(LoadTest, AFolderCalledDuetTomlIsNamed) {
  folder_.write("duet.toml/hello.mjs", "");
  EXPECT_EQ(errors(), "duet: error: 'duet.toml' is a directory (name a file in it)\n");
}

TEST_F(LoadTest, SourcesAreRelativeToTheConfiguration) {
  folder_.write("sub/duet.toml",
                "[handlers.h]\nsource = \"other.py\"\n[[routes]]\npath = \"/\"\nhandler = \"h\"\n");
  request_.sources = {"sub/duet.toml"};
  EXPECT_EQ(load().handlers.at(0).source, folder_ / "sub/other.py");
  EXPECT_TRUE(diagnostics_.ok());
}

TEST_F(LoadTest, WhatIsNoSource) {
  request_.sources = {"helo.mjs", "sub", "dute.toml2"};
  EXPECT_EQ(errors(),
            "duet: error: 'helo.mjs': no such file (did you mean 'hello.mjs'?)\n"
            "duet: error: 'sub' is a directory (name the handler's file)\n"
            "duet: error: 'dute.toml2': no such file (looked for DIR/dute.toml2)\n");
  folder_.write("duet.toml", kToml);
  request_.sources = {"dute.toml"};
  EXPECT_EQ(errors(), "duet: error: 'dute.toml': no such file (did you mean 'duet.toml'?)\n");
  request_.sources = {"duet.toml", "hello.mjs"};
  EXPECT_EQ(errors(),
            "duet: error: a configuration and other sources cannot be served together (add the "
            "others to duet.toml as [handlers.NAME])\n");
  request_.sources = {"duet.toml", "b.toml"};
  EXPECT_EQ(errors(),
            "duet: error: only one configuration can be served: duet.toml and b.toml were given "
            "(put all handlers into one of them, or start a host for each)\n");
}

TEST_F(LoadTest, OptionsOverruleTheFile) {
  folder_.write("duet.toml", kToml);
  request_.listen = {"127.0.0.1:0", "unix:d.sock"};
  request_.admin = "off";
  request_.deadline = "2s";
  request_.body_limit = "5KiB";
  request_.log_format = "json";
  request_.log_level = "warn";
  request_.dev = true;
  EXPECT_EQ(folder_.anonymous(listen()), "127.0.0.1:0 unix:DIR/d.sock ");
  const Config config = load();
  EXPECT_TRUE(config.server.admin.empty());
  EXPECT_TRUE(config.server.dev);
  EXPECT_EQ(config.server.log_format, log::Format::kJson);
  EXPECT_EQ(config.server.log_level, log::Level::kWarn);
  EXPECT_EQ(config.handlers.at(0).deadline, 2 * kSecond);
  EXPECT_EQ(config.handlers.at(0).body_limit, 5120u);
}

TEST_F(LoadTest, OptionsThatAreWrong) {
  request_.sources = {"hello.mjs"};
  request_.listen = {"8000", "127.0.0.1:1", "127.0.0.1:1"};
  request_.admin = "of";
  request_.deadline = "2";
  request_.body_limit = "big";
  request_.log_format = "jsno";
  request_.log_level = "loud";
  request_.env_files = {"none.env"};
  EXPECT_EQ(errors(),
            "duet: error: --deadline: '2' has no unit (write \"2s\" for seconds, \"2ms\" for "
            "milliseconds)\n"
            "duet: error: --body-limit: 'big' is not a size (write a number and a unit: \"16KiB\", "
            "\"1MB\", \"512\")\n"
            "duet: error: --env-file: 'DIR/none.env' cannot be read: No such file or directory\n"
            "duet: error: --listen: '8000' has no host (write \"127.0.0.1:8000\" for this machine "
            "only, \"0.0.0.0:8000\" for every interface)\n"
            "duet: error: --listen: 127.0.0.1:1 is given twice (give it once)\n"
            "duet: error: --admin: 'of' is not an IP address (write \"127.0.0.1:8000\", "
            "\"[::1]:8000\" or \"unix:/run/duet.sock\")\n"
            "duet: error: --log-format: 'jsno' is none of its values (did you mean 'json'?)\n"
            "duet: error: --log-level: 'loud' is none of its values (one of debug, info, warn or "
            "error)\n");
}

TEST_F(LoadTest, PortIsHonoured) {
  request_.sources = {"hello.mjs"};
  environment_["PORT"] = "3000";
  EXPECT_EQ(listen(), "0.0.0.0:3000 ");
  EXPECT_EQ(load().notes.at(0), "PORT=3000: listening on 0.0.0.0:3000");

  request_.listen = {"127.0.0.1:1"};
  EXPECT_EQ(listen(), "127.0.0.1:1 ") << "an option wins";

  request_ = {};
  folder_.write("duet.toml", kToml);
  EXPECT_EQ(listen(), "0.0.0.0:3000 ") << "over the file, as platforms need it";
  EXPECT_EQ(load().notes.at(0),
            "PORT=3000: listening on 0.0.0.0:3000 instead of the addresses of duet.toml");

  environment_["PORT"] = "";
  EXPECT_EQ(listen(), "127.0.0.1:8100 ");
  environment_["PORT"] = "http";
  EXPECT_EQ(errors(),
            "duet: error: PORT is 'http', which is no port (0 to 65535; --listen ADDRESS takes "
            "precedence over it)\n");
}

TEST_F(LoadTest, PortOfADotenvFile) {
  request_.sources = {"hello.mjs"};
  folder_.write(".env", "PORT=4000\n");
  EXPECT_EQ(listen(), "0.0.0.0:4000 ");
  EXPECT_EQ(load().notes.at(0), "PORT=4000 of .env: listening on 0.0.0.0:4000");
  environment_["PORT"] = "5000";
  EXPECT_EQ(listen(), "0.0.0.0:5000 ") << "the real environment wins";
  environment_.clear();
  folder_.write(".env", "A=1\nPORT=x\n");
  EXPECT_EQ(errors(),
            ".env:2:6: error: PORT is 'x', which is no port (0 to 65535; --listen ADDRESS takes "
            "precedence over it)\n");
}

TEST_F(LoadTest, DotenvFilesNearby) {
  folder_.write(".env", "A=cwd\nB=cwd\nC=cwd\n");
  folder_.write("sub/.env", "A=sub\n");
  environment_["C"] = "real";
  request_.sources = {"sub/other.py"};
  EXPECT_EQ(environment(), "A=sub B=cwd ");
  folder_.write("sub/.env", "not a variable\n");
  EXPECT_EQ(errors(),
            "sub/.env:1:1: error: a variable is written NAME=value (comments begin with '#')\n");
}

TEST_F(LoadTest, DotenvFilesByName) {
  folder_.write(".env", "A=default\n");
  folder_.write("a.env", "A=a\nB=a\n");
  folder_.write("b.env", "B=b\n");
  request_.sources = {"hello.mjs"};
  request_.env_files = {"a.env", "b.env"};
  EXPECT_EQ(environment(), "A=a B=b ") << "a later one wins; .env is not read";

  request_ = {};
  folder_.write("duet.toml",
                "[server]\nenv_file = \"b.env\"\n[handlers.h]\nsource = \"hello.mjs\"\n[[routes]]\n"
                "path = \"/\"\nhandler = \"h\"\n");
  EXPECT_EQ(environment(), "B=b ");
  folder_.write("duet.toml",
                "[server]\nenv_file = \"c.env\"\n[handlers.h]\nsource = \"hello.mjs\"\n[[routes]]\n"
                "path = \"/\"\nhandler = \"h\"\n");
  EXPECT_EQ(errors(),
            "duet.toml:2:12: error: 'DIR/c.env' cannot be read: No such file or directory (create "
            "it, or remove the line)\n");
}

TEST_F(LoadTest, AVirtualEnvironmentCalledDotenvIsNotRead) {
  folder_.write(".env/pyvenv.cfg", "x");
  request_.sources = {"hello.py"};
  EXPECT_EQ(errors(), "");
}

TEST_F(LoadTest, TheAdminAddressIsApart) {
  request_.sources = {"hello.mjs"};
  request_.listen = {"127.0.0.1:9000"};
  EXPECT_EQ(load().server.admin.at(0).to_string(), "127.0.0.1:0") << "the default gives way";
  request_.admin = "127.0.0.1:9000";
  EXPECT_EQ(errors(),
            "duet: error: the admin address 127.0.0.1:9000 is also one to listen on (give it a "
            "port of its own, or turn it off: --admin off)\n");
}

}  // namespace
}  // namespace duet::config
