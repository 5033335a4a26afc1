// duet bench on WebSockets: a handler of either language that sends back what it gets.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/core/bench_process.h"

namespace duet {
namespace {

using Json = nlohmann::json;
using testing_support::bench;
using testing_support::DuetHost;
using testing_support::Finished;

class BenchWebSocket : public ::testing::Test {
 protected:
  testing_support::TemporaryDirectory directory_;
  const std::string js_ =
      directory_.write("echo.mjs",
                       "export default (request) => {\n"
                       "  const { socket, response } = request.duet.upgradeWebSocket();\n"
                       "  socket.onmessage = (event) => socket.send(event.data);\n"
                       "  return response;\n};\n");
  const std::string py_ = directory_.write("echo.py",
                                           "async def fetch(request):\n"
                                           "    ws = request.websocket()\n"
                                           "    async for message in ws:\n"
                                           "        await ws.send(message)\n");
};

TEST_F(BenchWebSocket, MessagesComeBackToEachTargetAlsoBesideIdleSockets) {
  const Finished finished = bench({js_,
                                   py_,
                                   "--websocket",
                                   "--body",
                                   "hello",
                                   "--body",
                                   std::string(70'000, 'x'),
                                   "--idle",
                                   "50",
                                   "--pipeline",
                                   "4",
                                   "--connections",
                                   "4",
                                   "--rate",
                                   "300",
                                   "--arrivals",
                                   "constant",
                                   "--duration",
                                   "500ms",
                                   "--warmup",
                                   "0",
                                   "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json result = Json::parse(finished.out);
  ASSERT_EQ(result["arms"].size(), 3u);  // the first one runs once more
  for (const Json& arm : result["arms"]) {
    EXPECT_EQ(arm["requests"], 30) << arm;  // a block of 100 ms
    EXPECT_EQ(arm["answered"], arm["requests"]) << arm;
    EXPECT_EQ(arm["changed"], 0) << arm;
    EXPECT_EQ(arm["state"]["idle_open"], 50) << arm;
  }
}

TEST_F(BenchWebSocket, AWsAddressIsATarget) {
  const DuetHost host({js_});
  std::string url = host.address();
  url.replace(0, 4, "ws");
  const Finished finished =
      bench({url, "--closed", "--connections", "2", "--duration", "200ms", "--warmup", "0"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_TRUE(finished.out.starts_with("WebSocket messages, closed loop")) << finished.out;
}

TEST_F(BenchWebSocket, SaysWhatIsNoWebSocket) {
  const std::string plain = directory_.write("plain.mjs", "export default () => 'hello';\n");
  const Finished refused = bench({plain, "--websocket"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("answers 200 to the handshake"), std::string::npos) << refused.err;
  EXPECT_EQ(bench({plain, "ws://127.0.0.1:1/"}).exit_code, 2);
  EXPECT_EQ(bench({js_, "--websocket", "--method", "PUT"}).exit_code, 2);
}

}  // namespace
}  // namespace duet
