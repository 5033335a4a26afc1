// What costs nothing while nothing happens: wake-ups, and connections that are merely open.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::fetch;
using testing_support::HttpClient;
using testing_support::TemporaryDirectory;

// Times that any thread of the process has woken up (or was interrupted) so far.
long wake_ups(pid_t pid) {
  long sum = 0;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream in(task.path() / "status");
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("voluntary_ctxt_switches:")) sum += std::stol(line.substr(24));
    }
  }
  return sum;
}

long resident_bytes(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6)) * 1024;
  }
  return 0;
}

TEST(Idle, AHostWithBothEnginesMakesNoWakeUps) {
  TemporaryDirectory directory;
  DuetHost host({directory.write("a.mjs", "export default () => 'a';\n"),
                 directory.write("a.py", "async def fetch():\n    return 'a'\n")});
  EXPECT_EQ(fetch(host.address(), "/a.mjs").status, 200);
  EXPECT_EQ(fetch(host.address(), "/a.py").status, 200);
  HttpClient open = host.client();  // an idle connection costs none either
  const pid_t pid = host.process().pid();
  // What start left behind (V8's concurrent compilation, say) comes to rest first.
  long before = -1;
  EXPECT_TRUE(eventually(
      [&] {
        const long now_at = wake_ups(pid);
        const bool rests = now_at == before;
        before = now_at;
        return rests && !eventually([&] { return wake_ups(pid) != before; },
                                    std::chrono::milliseconds(2000));
      },
      std::chrono::seconds(60)))
      << "it never rests for two seconds";
}

// The usual soft limit of descriptors is 1,024.
rlim_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

TEST(Idle, AnIdleConnectionCostsLessThan4KiB) {
  constexpr int kWarm = 500, kConnections = 2000;
  if (raise_descriptor_limit() < kWarm + kConnections + 100) {
    GTEST_SKIP() << "2,600 descriptors are needed: ulimit -Hn";
  }
  TemporaryDirectory directory;
  DuetHost host({directory.write("a.mjs", "export default () => 'a';\n")});
  const auto open = [&](std::vector<HttpClient>& clients, int number) {
    for (int i = 0; i < number; ++i) {
      clients.push_back(host.client());
      EXPECT_EQ(clients.back().get("/").status, 200);
    }
  };
  std::vector<HttpClient> warm, measured;
  open(warm, kWarm);  // what the first ones cost once and for all
  const long before = resident_bytes(host.process().pid());
  open(measured, kConnections);
  const long after = resident_bytes(host.process().pid());
  EXPECT_LT((after - before) / kConnections, 4096);
  RecordProperty("bytes_a_connection", static_cast<int>((after - before) / kConnections));
}

}  // namespace
}  // namespace duet
