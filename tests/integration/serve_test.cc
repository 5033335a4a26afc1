// `duet serve` as a user types it: what is mounted where, where it listens, what it says.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using testing_support::DuetHost;
using testing_support::fetch;
using testing_support::Finished;
using testing_support::HostOptions;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TemporaryDirectory;

constexpr const char* kHelloJs = "export default { fetch: () => 'Hello from JavaScript!\\n' };\n";
constexpr const char* kHelloPy = "def fetch():\n    return 'Hello from Python!\\n'\n";

std::string memory_map(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/maps");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(Serve, MountsSeveralFilesUnderTheirNames) {
  TemporaryDirectory directory;
  DuetHost host({directory.write("hello.mjs", kHelloJs), directory.write("hello.py", kHelloPy)});
  EXPECT_EQ(fetch(host.address(), "/hello.mjs").body, "Hello from JavaScript!\n");
  EXPECT_EQ(fetch(host.address(), "/hello.py").body, "Hello from Python!\n");
  EXPECT_EQ(fetch(host.address(), "/hello.mjs/and/below?x").status, 200);
  EXPECT_EQ(fetch(host.address(), "/hello.py/and/below").status, 200);
  EXPECT_EQ(fetch(host.address(), "/").status, 404);
  EXPECT_EQ(fetch(host.address(), "/hello.mjsx").status, 404);
  EXPECT_EQ(host.stop(), 0);
}

TEST(Serve, MountsOneFileAtTheRoot) {
  TemporaryDirectory directory;
  for (const auto& [name, source] :
       {std::pair("one.mjs", kHelloJs), std::pair("one.py", kHelloPy)}) {
    DuetHost host({directory.write(name, source)});
    EXPECT_EQ(fetch(host.address(), "/").status, 200) << name;
    EXPECT_EQ(fetch(host.address(), "/any/path").status, 200) << name;
    EXPECT_EQ(host.stop(), 0);
  }
}

TEST(Serve, LoadsOnlyTheEnginesThatItNeeds) {
  TemporaryDirectory directory;
  DuetHost js({directory.write("one.mjs", kHelloJs)});
  const std::string js_map = memory_map(js.process().pid());
  EXPECT_NE(js_map.find("duet_js.so"), std::string::npos);
  EXPECT_NE(js_map.find("libnode"), std::string::npos);
  EXPECT_EQ(js_map.find("libpython"), std::string::npos);
  DuetHost py({directory.write("one.py", kHelloPy)});
  const std::string py_map = memory_map(py.process().pid());
  EXPECT_NE(py_map.find("duet_python"), std::string::npos);
  EXPECT_EQ(py_map.find("libnode"), std::string::npos);
  EXPECT_EQ(py_map.find("duet_js.so"), std::string::npos);
}

TEST(Serve, PrintsItsAddressesOncePerLineAndNothingElse) {
  TemporaryDirectory directory;
  DuetHost host(HostOptions{
      .arguments = {directory.write("one.mjs", kHelloJs), "--listen", "127.0.0.1:0", "--listen",
                    "[::1]:0", "--listen", "unix:" + directory.path() + "/s.sock"},
      .environment = {},
      .directory = directory.path(),
      .listeners = 3});
  EXPECT_TRUE(host.address(0).starts_with("http://127.0.0.1:")) << host.address(0);
  EXPECT_TRUE(host.address(1).starts_with("http://[::1]:")) << host.address(1);
  EXPECT_EQ(host.address(2), "unix:" + directory.path() + "/s.sock");
  EXPECT_TRUE(host.admin().starts_with("http://127.0.0.1:")) << host.admin();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(fetch(host.address(static_cast<std::size_t>(i)), "/").status, 200) << i;
  const std::string out = host.process().out();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 4) << out;
  EXPECT_EQ(host.stop(), 0);
  EXPECT_NE(access((directory.path() + "/s.sock").c_str(), F_OK), 0) << "the socket is left behind";
}

TEST(Serve, HonoursPort) {
  TemporaryDirectory directory;
  const std::string file = directory.write("one.mjs", kHelloJs);
  DuetHost probe({file});
  const std::string port = probe.address().substr(probe.address().rfind(':') + 1);
  EXPECT_EQ(probe.stop(), 0);
  DuetHost host(HostOptions{
      .arguments = {file}, .environment = {{"PORT", port}}, .directory = "", .listeners = 1});
  EXPECT_EQ(host.address(), "http://0.0.0.0:" + port);
  EXPECT_EQ(fetch("127.0.0.1:" + port, "/").status, 200);
}

TEST(Serve, ReadsDotEnvButLetsTheEnvironmentWin) {
  TemporaryDirectory directory;
  directory.write(".env", "FROM_FILE=file\nBOTH=file\n");
  const std::string file = directory.write(
      "one.mjs", "export default () => `${process.env.FROM_FILE} ${process.env.BOTH}`;\n");
  const std::string python = directory.write(
      "two.py",
      "import os\ndef fetch():\n    return os.environ['FROM_FILE'] + ' ' + os.environ['BOTH']\n");
  DuetHost host(HostOptions{.arguments = {file, python},
                            .environment = {{"BOTH", "environment"}},
                            .directory = directory.path(),
                            .listeners = 1});
  EXPECT_EQ(fetch(host.address(), "/one.mjs").body, "file environment");
  EXPECT_EQ(fetch(host.address(), "/two.py").body, "file environment");
}

TEST(Serve, ReadsDuetTomlOfTheCurrentDirectory) {
  TemporaryDirectory directory;
  directory.write("hello.mjs", kHelloJs);
  directory.write("hello.py", kHelloPy);
  directory.write("duet.toml",
                  "[handlers.js]\nsource = \"hello.mjs\"\n[handlers.py]\nsource = \"hello.py\"\n"
                  "[[routes]]\npath = \"/greet/{name}\"\nmethods = [\"GET\"]\nhandler = \"js\"\n"
                  "[[routes]]\npath = \"/greet/{name}\"\nmethods = [\"POST\"]\nhandler = \"py\"\n");
  DuetHost host(HostOptions{
      .arguments = {}, .environment = {}, .directory = directory.path(), .listeners = 1});
  HttpClient client = host.client();
  EXPECT_EQ(client.get("/greet/x").body, "Hello from JavaScript!\n");
  EXPECT_EQ(client.post("/greet/x", "").body, "Hello from Python!\n");
  const HttpResponse refused = client.ask("DELETE /greet/x HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.value("allow"), "GET, HEAD, POST");
}

TEST(Serve, LogsJsonWhenNobodyLooksAndTextOnATerminal) {
  TemporaryDirectory directory;
  const std::string file =
      directory.write("one.mjs", "export default () => { throw new Error('boom'); };\n");
  DuetHost host({file});
  EXPECT_EQ(fetch(host.address(), "/").status, 500);
  const nlohmann::json line = host.log_line("boom");
  ASSERT_FALSE(line.is_null()) << host.process().err();
  EXPECT_EQ(line["level"], "error");
  EXPECT_EQ(line["language"], "javascript");
  std::istringstream all(host.process().err());
  for (std::string text; std::getline(all, text);) {
    EXPECT_TRUE(nlohmann::json::accept(text)) << text;
  }

  testing_support::Process terminal(
      testing_support::duet_program(),
      {.arguments = {"serve", "--listen", "127.0.0.1:0", "--admin", "off", file},
       .environment = {{"PORT", std::nullopt}},
       .directory = directory.path(),
       .terminal = true});
  ASSERT_TRUE(terminal.wait_for_out("listening on http://", std::chrono::seconds(60)));
  const std::string out = terminal.out();
  const std::size_t at = out.find("http://");
  EXPECT_EQ(fetch(out.substr(at, out.find_first_of("\r\n", at) - at), "/").status, 500);
  EXPECT_TRUE(terminal.wait_for_out("boom")) << terminal.out();
  EXPECT_EQ(terminal.out().find("{\"time\""), std::string::npos) << terminal.out();
  terminal.signal(SIGTERM);
  EXPECT_EQ(terminal.wait(), 0);
}

// --- what cannot be served ---------------------------------------------------------------------

Finished serve(const std::vector<std::string>& arguments, const std::string& directory) {
  std::vector<std::string> all{"serve", "--listen", "127.0.0.1:0", "--admin", "off"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return testing_support::run(testing_support::duet_program(),
                              {.arguments = all,
                               .environment = {{"PORT", std::nullopt}},
                               .directory = directory,
                               .terminal = false},
                              std::chrono::seconds(60));
}

TEST(Serve, SaysWhatIsWrongWithAHandlerThatDoesNotLoad) {
  TemporaryDirectory directory;
  struct Broken {
    const char* name;
    const char* source;
    const char* said;
  };
  for (const Broken& broken : {
           Broken{"a.mjs", "export default () => {\n  return 1 +;\n};\n", "a.mjs:2"},
           Broken{"a.py", "def fetch():\n    return 1 +\n", "a.py"},
           Broken{"b.mjs", "import 'no-such-package';\nexport default () => 1;\n",
                  "npm install no-such-package"},
           Broken{"b.py", "import no_such_module\ndef fetch():\n    pass\n", "no_such_module"},
           Broken{"c.mjs", "export const other = 1;\n", "no default export"},
           Broken{"c.py", "other = 1\n", "has no handler"},
           Broken{"d.mjs", "throw new Error('at load');\n", "at load"},
           Broken{"d.py", "raise ValueError('at load')\n", "at load"},
       }) {
    const Finished finished =
        serve({directory.write(broken.name, broken.source)}, directory.path());
    EXPECT_EQ(finished.exit_code, 1) << broken.name << finished.err;
    EXPECT_NE(finished.err.find(broken.said), std::string::npos) << finished.err;
    EXPECT_EQ(finished.out.find("listening"), std::string::npos) << finished.out;
  }
}

TEST(Serve, SaysWhenTheAddressIsTaken) {
  TemporaryDirectory directory;
  const std::string file = directory.write("one.mjs", kHelloJs);
  DuetHost host({file});
  const std::string taken = host.address().substr(7);
  const Finished finished =
      testing_support::run(testing_support::duet_program(),
                           {.arguments = {"serve", "--listen", taken, "--admin", "off", file},
                            .environment = {},
                            .directory = directory.path(),
                            .terminal = false});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("cannot listen on " + taken), std::string::npos) << finished.err;
  EXPECT_EQ(fetch(host.address(), "/").status, 200);
}

TEST(Serve, ReportsAFileThatIsNotThere) {
  TemporaryDirectory directory;
  directory.write("hello.mjs", kHelloJs);
  const Finished finished = serve({"helo.mjs"}, directory.path());
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("helo.mjs"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace duet
