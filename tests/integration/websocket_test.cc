// Many open WebSockets on one worker: what each costs in memory while it is silent, and that all of
// them still work.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/duet_host.h"
#include "tests/support/websocket_client.h"

namespace duet {
namespace {

using testing_support::DuetHost;
using testing_support::HostOptions;
using testing_support::TemporaryDirectory;
using testing_support::WebSocketClient;

long resident_bytes(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  long size = 0, resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// Ten thousand, or what this machine's limit of descriptors leaves.
int sockets_to_open() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min<rlim_t>(10'000, limit.rlim_cur - 1'200));
}

struct Language {
  const char *name, *file, *source;
};

class IdleWebSockets : public ::testing::TestWithParam<Language> {};

INSTANTIATE_TEST_SUITE_P(
    In, IdleWebSockets,
    ::testing::Values(Language{"js", "a.mjs",
                               "export default (request) => {\n"
                               "  const { socket, response } = request.duet.upgradeWebSocket();\n"
                               "  socket.onmessage = ({ data }) => socket.send(data);\n"
                               "  return response;\n"
                               "};\n"},
                      Language{"py", "a.py",
                               "async def fetch(request):\n"
                               "    ws = await request.websocket()\n"
                               "    async for message in ws:\n"
                               "        await ws.send(message)\n"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(IdleWebSockets, CostLessThan8KiBEach) {
  TemporaryDirectory directory;
  DuetHost host({directory.write(GetParam().file, GetParam().source)});
  const int count = sockets_to_open();
  std::vector<WebSocketClient> warm, measured;
  measured.reserve(static_cast<std::size_t>(count));
  const auto open = [&](std::vector<WebSocketClient>& clients, int number) {
    for (int i = 0; i < number; ++i) {
      clients.emplace_back(host.address(), "/",
                           "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                           "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
                           "Origin: https://chat.example\r\nCookie: session=0123456789abcdef\r\n");
      ASSERT_EQ(clients.back().response().status, 101);
      clients.back().text("hello");
      ASSERT_EQ(clients.back().next(), "text hello");
    }
  };
  open(warm, 500);  // what the first ones cost once and for all
  const long before = resident_bytes(host.process().pid());
  open(measured, count);
  const long each = (resident_bytes(host.process().pid()) - before) / count;
  RecordProperty("sockets", count);
  RecordProperty("bytes_a_socket", static_cast<int>(each));
  std::printf("%s: %d sockets, %ld bytes each\n", GetParam().name, count, each);
  EXPECT_LT(each, 8192);
  for (int i = 0; i < count; i += 97) {
    WebSocketClient& client = measured[static_cast<std::size_t>(i)];
    client.text("still there");
    ASSERT_EQ(client.next(), "text still there");
  }
  for (std::vector<WebSocketClient>* clients : {&warm, &measured}) {
    for (WebSocketClient& client : *clients) client.http().close();
  }
  EXPECT_EQ(host.stop(), 0);
}

}  // namespace
}  // namespace duet
