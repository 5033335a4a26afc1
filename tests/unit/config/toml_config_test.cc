// What duet.toml means, and what is said about each mistake in it.
#include "host/config/toml_config.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/config/folder.h"

namespace duet::config {
namespace {

class TomlConfigTest : public testing::Test {
 protected:
  TomlConfigTest() {
    folder_.write("hello.mjs");
    folder_.write("hello.py");
    folder_.write("hello.so");
    folder_.write("sub/app.py");
  }

  Config read(std::string_view text) {
    diagnostics_ = {};
    const TomlFile file{"duet.toml", folder_.path()};
    Config config = read_toml_config(text, file, defaults_, rules_, diagnostics_).config;
    diagnostics_.sort();
    return config;
  }

  // The messages about `text`, without the lines that are shown below them.
  std::string messages(std::string_view text) {
    read(text);
    std::istringstream lines(folder_.anonymous(diagnostics_.render(false)));
    std::string out;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(' ')) out += line + "\n";
    }
    return out;
  }

  // A whole configuration around the lines of one handler (from line 2) and one of [server].
  std::string in_handler(const std::string& lines) {
    return messages("[handlers.h]\n" + lines + "\n[[routes]]\npath = \"/\"\nhandler = \"h\"\n");
  }
  std::string in_server(const std::string& lines) {
    return messages(
        "[server]\n" + lines +
        "\n[handlers.h]\nsource = \"hello.mjs\"\n[[routes]]\npath = \"/\"\nhandler = \"h\"\n");
  }
  std::string in_route(const std::string& lines) {
    return messages("[handlers.h]\nsource = \"hello.mjs\"\n[[routes]]\n" + lines + "\n");
  }

  Folder folder_;
  Defaults defaults_;
  RouteRules rules_;
  Diagnostics diagnostics_;
};

TEST_F(TomlConfigTest, ReadsEverything) {
  const Config config = read(R"(
[server]
listen = ["127.0.0.1:8000", "[::1]:0", "unix:duet.sock"]
admin = "127.0.0.1:9001"
dev = true
kernel_timestamps = false
deadline = "5s"
[server.limits]
head = "8KiB"
target = "4KiB"
body = "2MiB"
pipelined = 16
[server.timeouts]
head = "5s"
body = "10s"
send = "20s"
keep_alive = "1m"
shutdown = "off"
[server.websocket]
message = "64KiB"
buffered = "1MiB"
ping = "off"
compression = false

[log]
format = "json"
level = "debug"
[handlers.country_js]
source = "hello.mjs"
deadline = "2s"
env = { GREETING = "hello", ALPHA = "2" }
body_limit = 1000
[handlers.py]
source = "sub/app.py"
blocking = true
[handlers.asgi]
source = "sub.app:app"
root = "sub"
[handlers.c]
source = "hello.so"
deadline = "off"
[[routes]]
path = "/js/country/{code}"
methods = ["GET", "POST"]
handler = "country_js"
[[routes]]
path = "/{rest...}"
handler = "py"
[[routes]]
path = "/asgi/*"
methods = "PUT"
handler = "asgi"
[[routes]]
path = "/c"
handler = "c"
)");
  ASSERT_EQ(diagnostics_.render(false), "");
  const ServerConfig& server = config.server;
  ASSERT_EQ(server.listen.size(), 3u);
  EXPECT_EQ(server.listen[1].to_string(), "[::1]:0");
  EXPECT_EQ(server.listen[2].to_string(), "unix:" + folder_ / "duet.sock");
  EXPECT_EQ(server.admin.at(0).to_string(), "127.0.0.1:9001");
  EXPECT_FALSE(server.admin_is_default);
  EXPECT_TRUE(server.dev);
  EXPECT_FALSE(server.kernel_timestamps);
  EXPECT_EQ(server.limits.head_bytes, 8192u);
  EXPECT_EQ(server.limits.target_bytes, 4096u);
  EXPECT_EQ(server.limits.body_bytes, 2097152u);
  EXPECT_EQ(server.limits.pipelined, 16u);
  EXPECT_EQ(server.timeouts.head, 5 * kSecond);
  EXPECT_EQ(server.timeouts.body_idle, 10 * kSecond);
  EXPECT_EQ(server.timeouts.send, 20 * kSecond);
  EXPECT_EQ(server.timeouts.keep_alive, 60 * kSecond);
  EXPECT_EQ(server.websocket.message_bytes, 64u * 1024);
  EXPECT_EQ(server.websocket.buffered_bytes, 1024u * 1024);
  EXPECT_EQ(server.websocket.ping, 0);
  EXPECT_FALSE(server.websocket.compression);
  EXPECT_EQ(server.timeouts.shutdown, 0);
  EXPECT_EQ(server.log_format, log::Format::kJson);
  EXPECT_EQ(server.log_level, log::Level::kDebug);

  ASSERT_EQ(config.handlers.size(), 4u) << "in the order of the file";
  const Handler& js = config.handlers[0];
  EXPECT_EQ(js.name, "country_js");
  EXPECT_EQ(js.source, folder_ / "hello.mjs");
  EXPECT_EQ(js.root, folder_.path());
  EXPECT_EQ(js.language, Language::kJavaScript);
  EXPECT_EQ(js.deadline, 2 * kSecond);
  EXPECT_EQ(js.body_limit, 1000u);
  ASSERT_EQ(js.env.size(), 2u);
  EXPECT_EQ(js.env[0], (std::pair<std::string, std::string>("GREETING", "hello")));
  const Handler& py = config.handlers[1];
  EXPECT_EQ(py.root, folder_ / "sub");
  EXPECT_EQ(py.language, Language::kPython);
  EXPECT_TRUE(py.blocking);
  EXPECT_EQ(py.deadline, 5 * kSecond) << "[server] deadline";
  EXPECT_EQ(py.body_limit, 2097152u) << "[server.limits] body";
  EXPECT_EQ(config.handlers[2].source, "sub.app:app");
  EXPECT_EQ(config.handlers[2].root, folder_ / "sub");
  EXPECT_EQ(config.handlers[3].language, Language::kNative);
  EXPECT_EQ(config.handlers[3].deadline, 0);

  ASSERT_EQ(config.routes.size(), 4u);
  EXPECT_EQ(config.routes[0].methods, (std::vector<std::string>{"GET", "POST"}));
  EXPECT_EQ(config.routes[1].handler, 1u);
  EXPECT_TRUE(config.routes[1].methods.empty());
  EXPECT_EQ(config.routes[2].methods, (std::vector<std::string>{"PUT"}));
}

TEST_F(TomlConfigTest, TheCommandLinesDeadlineIsForHandlersThatSetNone) {
  defaults_.deadline = kSecond;
  const Config config = read(
      "[server]\ndeadline = \"9s\"\n[handlers.a]\nsource = \"hello.mjs\"\n[handlers.b]\nsource = "
      "\"hello.py\"\ndeadline = \"3s\"\n[[routes]]\npath = \"/a\"\nhandler = \"a\"\n[[routes]]\n"
      "path = \"/b\"\nhandler = \"b\"\n");
  EXPECT_EQ(config.handlers.at(0).deadline, kSecond);
  EXPECT_EQ(config.handlers.at(1).deadline, 3 * kSecond);
}

// What a user sees who made one mistake of each kind.
TEST_F(TomlConfigTest, EveryMistakeAtOnceLooksLikeThis) {
  read(R"([server]
adress = "127.0.0.1:8000"
listen = ["127.0.0.1:80000"]
[handlers.hello]
source = "helo.mjs"
deadline = "2 fortnights"
blocking = true
[[routes]]
path = "hello/{name}"
methods = ["GTE"]
handler = "hallo"
)");
  EXPECT_EQ(folder_.anonymous(diagnostics_.render(false)),
            R"(duet.toml:2:1: error: unknown key 'adress' in [server] (did you mean 'listen'?)
    2 | adress = "127.0.0.1:8000"
      | ^~~~~~
duet.toml:3:11: error: '80000' is not a port (ports are 0 (any free one) to 65535)
    3 | listen = ["127.0.0.1:80000"]
      |           ^~~~~~~~~~~~~~~~~
duet.toml:5:10: error: 'helo.mjs': no such file (did you mean 'hello.mjs'?)
    5 | source = "helo.mjs"
      |          ^~~~~~~~~~
duet.toml:6:12: error: unknown unit 'fortnights' in the duration '2 fortnights' (units are ms, s, m, h, d, us, ns)
    6 | deadline = "2 fortnights"
      |            ^~~~~~~~~~~~~~
duet.toml:7:12: error: 'blocking' is for Python handlers only (remove it: JavaScript moves work off the loop by a Worker)
    7 | blocking = true
      |            ^~~~
duet.toml:9:8: error: the path 'hello/{name}' does not begin with '/' (write path = "/hello/{name}")
    9 | path = "hello/{name}"
      |        ^~~~~~~~~~~~~~
duet.toml:10:12: error: 'GTE' is no method that HTTP/1.1 parsers know (did you mean 'GET'?)
   10 | methods = ["GTE"]
      |            ^~~~~
duet.toml:11:11: error: there is no handler 'hallo' (did you mean 'hello'?)
   11 | handler = "hallo"
      |           ^~~~~~~
)");
}

TEST_F(TomlConfigTest, UnknownKeysAndTables) {
  EXPECT_EQ(in_server("lisen = \"127.0.0.1:1\"\nport = 80\nxyzzy = 1"),
            "duet.toml:2:1: error: unknown key 'lisen' in [server] (did you mean 'listen'?)\n"
            "duet.toml:3:1: error: unknown key 'port' in [server] (did you mean 'listen'?)\n"
            "duet.toml:4:1: error: unknown key 'xyzzy' in [server] (known keys are listen, admin, "
            "dev, deadline, env_file, kernel_timestamps, store, limits, timeouts, websocket "
            "or otlp)\n");
  EXPECT_EQ(in_server("[sever]\na = 1\n[servers]\n"),
            "duet.toml:2:2: error: unknown table 'sever' (did you mean 'server'?)\n"
            "duet.toml:4:2: error: unknown table 'servers' (did you mean 'server'?)\n");
  EXPECT_EQ(in_handler("source = \"hello.mjs\"\ntimeout = \"1s\""),
            "duet.toml:3:1: error: unknown key 'timeout' in [handlers.h] (did you mean "
            "'deadline'?)\n");
  EXPECT_EQ(in_route("path = \"/\"\nhandler = \"h\"\nmethod = \"GET\""),
            "duet.toml:6:1: error: unknown key 'method' in [[routes]] (did you mean 'methods'?)\n");
}

TEST_F(TomlConfigTest, WrongTypes) {
  EXPECT_EQ(in_server("listen = 8000\nadmin = false\ndev = \"yes\"\ndeadline = 2"),
            "duet.toml:2:10: error: 'listen' in [server] must be text, not an integer (write "
            "listen = \"127.0.0.1:8000\" for this machine only, \"0.0.0.0:8000\" for every "
            "interface)\n"
            "duet.toml:3:9: error: 'admin' in [server] must be text, not true or false (write "
            "admin = \"off\")\n"
            "duet.toml:4:7: error: 'dev' in [server] must be true or false, not text (write dev = "
            "true, without quotes)\n"
            "duet.toml:5:12: error: 'deadline' in [server] must be a duration in quotes, not an "
            "integer (write deadline = \"2s\" for seconds, \"2ms\" for milliseconds)\n");
  EXPECT_EQ(
      in_server("listen = [1]\nlimits = 3\n[log]\nlevel = 1.5"),
      "duet.toml:2:11: error: the items of 'listen' must be text, not an integer (write "
      "listen = [\"127.0.0.1:8000\"])\n"
      "duet.toml:3:10: error: 'limits' in [server] must be a table, not an integer (write "
      "[server.limits] and its keys below it)\n"
      "duet.toml:5:9: error: 'level' in [log] must be text, not a decimal number (write level "
      "= \"info\")\n");
  EXPECT_EQ(in_handler("source = [\"hello.mjs\"]\nenv = { PORT = 80, \"a-b\" = \"x\" }"),
            "duet.toml:2:10: error: 'source' in [handlers.h] must be text, not a list (write "
            "source = \"hello.mjs\")\n"
            "duet.toml:3:16: error: the variable 'PORT' must be text, not an integer (variables "
            "are text in every language: put the value in quotes)\n"
            "duet.toml:3:20: error: 'a-b' is no name for a variable (use letters, digits and '_', "
            "and no digit first)\n");
  EXPECT_EQ(messages("[handlers]\nh = \"hello.mjs\"\n[[routes]]\npath=\"/\"\nhandler=\"h\"\n"),
            "duet.toml:2:5: error: the handler 'h' must be a table, not text (write [handlers.h] "
            "and source = \"…\" below it)\n");
}

TEST_F(TomlConfigTest, RoutesMustBeAListOfTables) {
  EXPECT_EQ(messages("[handlers.h]\nsource = \"hello.mjs\"\n[routes]\npath = \"/\"\n"),
            "duet.toml:3:2: error: routes are a list of tables (write [[routes]] with double "
            "brackets, once for each route)\n");
  EXPECT_EQ(messages("routes = [\"/\"]\n[handlers.h]\nsource = \"hello.mjs\"\n"),
            "duet.toml:1:11: error: a route must be a table, not text (write [[routes]] once for "
            "each route)\n");
}

TEST_F(TomlConfigTest, OutOfRange) {
  EXPECT_EQ(in_server("[server.limits]\nhead = \"10B\"\npipelined = 0\nbody = -1\n"
                      "[server.timeouts]\nhead = \"off\"\nkeep_alive = \"2d\""),
            "duet.toml:3:8: error: 'head' is out of range: 10B (256 bytes to 1 MiB is allowed)\n"
            "duet.toml:4:13: error: 'pipelined' is out of range: 0 (1 to 1024 is allowed)\n"
            "duet.toml:5:8: error: 'body' is out of range: -1 (1 byte to 1024 GiB is allowed)\n"
            "duet.toml:7:8: error: 'head' is out of range: off (1ms to 24h is allowed)\n"
            "duet.toml:8:14: error: 'keep_alive' is out of range: 2d (1ms to 24h is allowed)\n");
  EXPECT_EQ(in_server("[server.limits]\nhead = \"1KiB\"\ntarget = \"2KiB\""),
            "duet.toml:4:10: error: 'target' is larger than the head that holds it (at most 1 KiB, "
            "or raise 'head')\n");
  EXPECT_EQ(in_handler("source = \"hello.mjs\"\ndeadline = \"10us\""),
            "duet.toml:3:12: error: 'deadline' is out of range: 10us (1ms to 24h is allowed, or "
            "\"off\")\n");
}

TEST_F(TomlConfigTest, ASmallHeadLowersTheTarget) {
  const Config config = read(
      "[server.limits]\nhead = \"1KiB\"\n[handlers.h]\nsource = \"hello.mjs\"\n[[routes]]\npath = "
      "\"/\"\nhandler = \"h\"\n");
  EXPECT_TRUE(diagnostics_.ok()) << diagnostics_.render(false);
  EXPECT_EQ(config.server.limits.target_bytes, 1024u);
}

TEST_F(TomlConfigTest, Addresses) {
  EXPECT_EQ(in_server("listen = [\"127.0.0.1:1\", \"localhost:1\"]\nadmin = \"0.0.0.0:9000\""),
            "duet.toml:2:26: error: the address 127.0.0.1:1 is listed twice (remove one of them)\n"
            "duet.toml:3:9: warning: other machines can reach the admin address 0.0.0.0:9000 (it "
            "shows handlers, routes and timings to anybody; 127.0.0.1 is safer)\n");
  EXPECT_EQ(in_server("listen = []"),
            "duet.toml:2:10: error: 'listen' in [server] is empty (name an address, or remove the "
            "line for the default 127.0.0.1:8000)\n");
  EXPECT_EQ(in_server("listen = [\"127.0.0.1:0\", \"127.0.0.1:0\"]"), "");
}

TEST_F(TomlConfigTest, Log) {
  EXPECT_EQ(in_server("[log]\nformat = \"jason\"\nlevel = \"verbose\""),
            "duet.toml:3:10: error: 'jason' is no 'format' (did you mean 'json'?)\n"
            "duet.toml:4:9: error: 'verbose' is no 'level' (one of debug, info, warn or error)\n");
}

TEST_F(TomlConfigTest, Sources) {
  EXPECT_EQ(in_handler("source = \"hello.js\""),
            "duet.toml:2:10: error: 'hello.js': no such file (did you mean 'hello.mjs'?)\n");
  EXPECT_EQ(
      in_handler("source = \"nowhere/x.mjs\""),
      "duet.toml:2:10: error: 'nowhere/x.mjs': no such file (the directory 'DIR/nowhere' does "
      "not exist)\n");
  EXPECT_EQ(in_handler("source = \"sub\""),
            "duet.toml:2:10: error: 'sub' is a directory (did you mean 'sub/app.py'?)\n");
  EXPECT_EQ(in_handler("source = \"hello.py:app\""),
            "duet.toml:2:10: error: 'hello.py:app' mixes a file and an attribute (write "
            "'hello:app' (module:attribute), or 'hello.py')\n");
  EXPECT_EQ(in_handler("source = \"sub/app.py:app\""),
            "duet.toml:2:10: error: 'sub/app.py:app' mixes a file and an attribute (write "
            "'sub.app:app' (module:attribute), or 'sub/app.py')\n");
  EXPECT_EQ(in_handler("deadline = \"1s\""),
            "duet.toml:1:11: error: [handlers.h] has no 'source' (add source = \"hello.mjs\" or "
            "source = \"module:attribute\")\n");
  EXPECT_EQ(in_handler("source = \"hello.mjs\"\nlanguage = \"js\"\nroot = \"subb\""),
            "duet.toml:3:12: error: 'js' is no 'language' (did you mean 'javascript'?)\n"
            "duet.toml:4:8: error: 'subb': no such directory (did you mean 'sub'?)\n");
  folder_.write("x.html");
  EXPECT_EQ(in_handler("source = \"x.html\""),
            "duet.toml:2:10: error: 'x.html': its name does not tell a language (names of handlers "
            "end in .mjs, .js, .cjs, .ts, .py or .so)\n");
  EXPECT_EQ(in_handler("source = \"x.html\"\nlanguage = \"javascript\""), "");
}

TEST_F(TomlConfigTest, Methods) {
  EXPECT_EQ(in_route("path = \"/\"\nhandler = \"h\"\nmethods = [\"get\", \"*\", \"PUT\", \"PUT\"]"),
            "duet.toml:6:12: error: 'get' is no method that HTTP/1.1 parsers know (did you mean "
            "'GET'?)\n"
            "duet.toml:6:19: error: '*' is no method (remove 'methods': a route without it answers "
            "every method)\n"
            "duet.toml:6:31: error: the method PUT is listed twice (remove one of them)\n");
  EXPECT_EQ(in_route("path = \"/\"\nhandler = \"h\"\nmethods = []"),
            "duet.toml:6:11: error: 'methods' is empty: the route would answer nothing (name "
            "methods, or remove the line for all of them)\n");
}

TEST_F(TomlConfigTest, Paths) {
  EXPECT_EQ(in_route("path = \"/a?b=1\"\nhandler = \"h\""),
            "duet.toml:4:8: error: a route's path has no query and no fragment (write path = "
            "\"/a\" and read the query in the handler)\n");
  EXPECT_EQ(in_route("path = \"http://x.org/a\"\nhandler = \"h\""),
            "duet.toml:4:8: error: a route's path is not a URL (write path = \"/a\")\n");
  EXPECT_EQ(in_route("path = \"/user/:id\"\nhandler = \"h\""),
            "duet.toml:4:8: warning: the path '/user/:id' has no parameters as it is written (a "
            "parameter is written {name})\n");
  EXPECT_EQ(in_route("deadline = \"1s\""),
            "duet.toml:1:11: warning: no route leads to the handler 'h' (add [[routes]] with "
            "handler = \"h\")\n"
            "duet.toml:3:1: error: [[routes]] has no 'path' (add path = \"/hello/{name}\")\n"
            "duet.toml:3:1: error: [[routes]] has no 'handler' (add handler = \"NAME\" of a "
            "[handlers.NAME])\n"
            "duet.toml:4:1: error: unknown key 'deadline' in [[routes]] (known keys are path, "
            "methods or handler)\n");
}

TEST_F(TomlConfigTest, EqualRoutes) {
  EXPECT_EQ(in_route("path = \"/a/{x}\"\nhandler = \"h\"\n[[routes]]\npath = \"/a/{y}\"\nhandler = "
                     "\"h\""),
            "duet.toml:7:8: error: this route is equal to the one at line 4 (keep one of them, or "
            "give them different methods)\n");
  EXPECT_EQ(
      in_route("path = \"/a\"\nhandler = \"h\"\nmethods = [\"GET\", \"PUT\"]\n[[routes]]\npath "
               "= \"/a\"\nhandler = \"h\"\nmethods = [\"POST\", \"PUT\"]"),
      "duet.toml:8:8: error: this route is equal to the one at line 4, for PUT (keep one of "
      "them, or give them different methods)\n");
  EXPECT_EQ(in_route("path = \"/a\"\nhandler = \"h\"\nmethods = [\"GET\"]\n[[routes]]\npath = "
                     "\"/a\"\nhandler = \"h\"\n[[routes]]\npath = \"/a/\"\nhandler = \"h\""),
            "");
}

TEST_F(TomlConfigTest, TheRouterIsAsked) {
  std::string added;
  rules_.check_pattern = [](std::string_view pattern) -> Result<void> {
    if (!pattern.ends_with("{")) return {};
    return Error{"'{' is not closed", "column " + std::to_string(pattern.size()), "write {name}",
                 ""};
  };
  rules_.add = [&](const auto&, std::string_view pattern, std::uint32_t) -> Result<void> {
    added += std::string(pattern) + " ";
    if (pattern == "/no") return Error{"conflicts", "", "", ""};
    return {};
  };
  EXPECT_EQ(
      in_route("path = \"/ab/{\"\nhandler = \"h\"\n[[routes]]\npath = \"/b\"\nhandler = "
               "\"h\"\n[[routes]]\npath = \"/\\u0061{\"\nhandler = \"h\"\nmethods = [\"GTE\"]\n"
               "[[routes]]\npath = \"/no\"\nhandler = \"h\""),
      "duet.toml:4:13: error: '{' is not closed (write {name})\n"
      "duet.toml:10:8: error: '{' is not closed (write {name})\n"
      "duet.toml:12:12: error: 'GTE' is no method that HTTP/1.1 parsers know (did you mean "
      "'GET'?)\n"
      "duet.toml:14:8: error: conflicts\n");
  EXPECT_EQ(added, "/b /no ");
}

TEST_F(TomlConfigTest, NothingToServe) {
  EXPECT_EQ(messages(""),
            "duet.toml:1:1: error: there is no handler: nothing would be served (add "
            "[handlers.hello] with source = \"hello.mjs\")\n");
  EXPECT_EQ(messages("[handlers.h]\nsource = \"hello.mjs\"\n"),
            "duet.toml:1:2: error: there is no route: nothing would be served (add [[routes]] with "
            "path = \"/\" and handler = \"h\")\n");
}

TEST_F(TomlConfigTest, ABrokenLineCausesNoFurtherErrors) {
  EXPECT_EQ(
      messages("[server]\nlisen = \"127.0.0.1:1\"\n[handlers.h\nsource = \"hello.mjs\"\n"
               "[handlers.g]\nsource = hello.py\n[[routes]]\npath = \"/\"\nhandler = \"h\"\n"),
      "duet.toml:2:1: error: unknown key 'lisen' in [server] (did you mean 'listen'?)\n"
      "duet.toml:3:1: error: the table header is not closed (write [handlers.h])\n"
      "duet.toml:6:10: error: text must be in quotes (write source = \"hello.py\")\n");
}

TEST_F(TomlConfigTest, NamesOfHandlers) {
  EXPECT_EQ(messages("[handlers.\"\\u001b[2J\"]\nsource = \"hello.mjs\"\n[[routes]]\npath = \"/\"\n"
                     "handler = \"\\u001b[2J\"\n"),
            "duet.toml:1:11: error: '\\e[2J' is no name for a handler (use 1 to 64 printable "
            "characters)\n");
}

}  // namespace
}  // namespace duet::config
