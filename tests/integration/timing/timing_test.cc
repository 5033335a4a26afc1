// Whether the phases say what happened. They are wall time, so they say the truth of a machine that
// is shared as well, and then it is not what the test expects. The kernel counts how long the
// host's thread was ready and had no processor: what was measured with much of that is measured
// again, and when nothing else comes, the test is skipped and says why. What a hypervisor takes is
// not in that count: there the handler's own clock tells.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using testing_support::DuetHost;
using testing_support::fetch;
using testing_support::HostOptions;
using testing_support::HttpClient;
using testing_support::TemporaryDirectory;

constexpr const char* kJs = R"(
function spin(ms) { for (const end = performance.now() + ms; performance.now() < end;); }
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
export default async (request) => {
  const what = request.params.rest;
  if (what === "steps") {
    const begun = performance.now();
    spin(3);
    const slept = performance.now();
    await sleep(7);
    const woken = performance.now();
    spin(2);
    return String(slept - begun + performance.now() - woken);
  }
  if (what === "hold") spin(20);
  return what;
};
)";

constexpr const char* kPy = R"(
import asyncio, time

def spin(ms):
    end = time.perf_counter() + ms / 1000
    while time.perf_counter() < end:
        pass

async def fetch(request):
    what = request.params["rest"]
    if what == "steps":
        begun = time.perf_counter()
        spin(3)
        slept = time.perf_counter()
        await asyncio.sleep(0.007)
        woken = time.perf_counter()
        spin(2)
        return str((slept - begun + time.perf_counter() - woken) * 1000)
    if what == "hold":
        spin(20)
    return what
)";

constexpr int kTries = 4;

// For how long the process's main thread has been kept from running by others, in microseconds.
double kept_waiting_us(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/schedstat");
  double ran = 0, waited = 0;
  in >> ran >> waited;
  return waited / 1000;
}

double us_since(testing_support::Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(testing_support::Clock::now() - start).count();
}

class Timing : public ::testing::TestWithParam<const char*> {
 protected:
  // A new host: its figures are of this try alone.
  DuetHost start() {
    const std::string file = std::string("a.") + (std::string(GetParam()) == "js" ? "mjs" : "py");
    directory_.write(file, std::string(GetParam()) == "js" ? kJs : kPy);
    std::string toml;
    for (const std::string name : {"a", "b"}) {
      toml += "[handlers." + name + "]\nsource = \"" + file + "\"\n[[routes]]\npath = \"/" + name +
              "/{rest...}\"\nhandler = \"" + name + "\"\n";
    }
    directory_.write("duet.toml", toml);
    return DuetHost(HostOptions{
        .arguments = {}, .environment = {}, .directory = directory_.path(), .listeners = 1});
  }
  static nlohmann::json handler(const DuetHost& host, const std::string& name) {
    const auto all = host.api("/api/handlers");
    for (const auto& one : all["handlers"]) {
      if (one["name"] == name) return one;
    }
    return nullptr;
  }

  TemporaryDirectory directory_;
};

INSTANTIATE_TEST_SUITE_P(In, Timing, ::testing::Values("js", "py"),
                         [](const auto& info) { return std::string(info.param); });

// Milliseconds of a phase in a Server-Timing field; 0 when it is not there.
double phase_ms(const std::string& timing, const std::string& phase) {
  const std::size_t at = timing.find(phase + ";dur=");
  return at == std::string::npos ? 0 : std::stod(timing.substr(at + phase.size() + 5));
}

// What others take from a machine only adds to a time: of the requests, a quarter was left alone.
double lower_quartile(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 4, values.end());
  return values[values.size() / 4];
}

TEST_P(Timing, PhasesAreWhatTheHandlerDid) {
  DuetHost host = start();
  HttpClient client = host.client();
  for (int n = 0; n < 100; ++n) ASSERT_EQ(client.get("/a/steps").status, 200);  // warm
  // Judged are the requests during which the host had the processor whenever it wanted it, and
  // whose 5 ms by the handler's own clock were 5, however rare those are on this machine.
  constexpr std::size_t kWanted = 40;
  int requests = 0;
  const auto phases = [&](const std::string& phase) {
    std::vector<double> found;
    testing_support::eventually(
        [&] {
          const double before = kept_waiting_us(host.process().pid());
          const auto answer = client.get("/a/steps", "Duet-Timing: 1\r\n");
          ++requests;
          const std::string timing = answer.value("server-timing");
          const double own = std::stod(answer.body);
          EXPECT_GE(phase_ms(timing, "run"), own - 0.001) << timing;  // whatever the machine does
          if (kept_waiting_us(host.process().pid()) - before <= 100 && own <= 5.05) {
            found.push_back(phase_ms(timing, phase));
          }
          return found.size() == kWanted;
        },
        std::chrono::seconds(20));
    return found;
  };
  const std::vector<double> await = phases("await");
  // A processor that slept through the 7 ms wakes with cold caches: what takes 14 us takes 110
  // then, and is in `run`, since it is spent there. Requests of the other handler keep it awake.
  std::atomic<bool> stop = false;
  std::thread keep_awake([&] {
    HttpClient other = host.client();
    while (!stop) other.get("/b/quick");
  });
  // The least of some tries: who else is on the machine's caches only adds to it, and leaves.
  std::vector<double> run;
  double ran = 0;
  for (int i = 0; i < kTries; ++i) {
    run = phases("run");
    if (run.size() < kWanted) break;
    const double now = lower_quartile(run);
    ran = i == 0 ? now : std::min(ran, now);
    if (ran <= 5.15) break;
  }
  stop = true;
  keep_awake.join();
  const auto measured = handler(host, "a");
  const double unaccounted = measured["unaccounted_us"]["p99"], total = measured["total_us"]["p50"];
  EXPECT_LE(unaccounted, total / 100) << measured.dump();
  if (run.size() < kWanted || await.size() < kWanted) {
    GTEST_SKIP() << "the machine is busy: the host had its processor in "
                 << run.size() + await.size() << " of " << requests << " requests";
  }
  EXPECT_NEAR(ran, 5, 0.2);
  EXPECT_NEAR(lower_quartile(await), 7, 0.5);
}

TEST_P(Timing, WaitingIsChargedToWhoHeldTheLoop) {
  std::string seen;
  int undisturbed = 0;  // tries in which nobody kept the host from running
  for (int i = 0; i < kTries; ++i) {
    DuetHost host = start();
    const double before = kept_waiting_us(host.process().pid());
    std::atomic<bool> stop = false;
    double waited = 0;  // by A's client, for answers that met a hold; others take some 50 us
    std::thread client_of_a([&] {
      HttpClient client = host.client();
      while (!stop) {
        const auto asked = testing_support::Clock::now();
        client.get("/a/quick");
        const double took = us_since(asked);
        if (took > 10'000) waited += took;
      }
    });
    HttpClient client_of_b = host.client();
    constexpr int kHolds = 20;
    for (int n = 0; n < kHolds; ++n) {
      const auto next = testing_support::Clock::now() + std::chrono::milliseconds(100);
      client_of_b.get("/b/hold");
      testing_support::eventually([&] { return testing_support::Clock::now() >= next; });
    }
    stop = true;
    client_of_a.join();
    const double kept_waiting = kept_waiting_us(host.process().pid()) - before;
    const auto a = handler(host, "a");
    const double charged = a["waited_for_us"].value("b", 0.0);
    // A is asked all the time, so each of B's 20 ms makes it wait.
    if (std::abs(charged / waited - 1) <= 0.05 && charged >= kHolds * 18'000) return;
    undisturbed += kept_waiting <= 0.02 * charged;
    seen += "\ncharged " + std::to_string(charged) + " of " + std::to_string(waited) +
            " kept waiting " + std::to_string(kept_waiting) + ": " + a.dump();
  }
  ASSERT_EQ(undisturbed, 0) << seen;  // the client may be kept waiting, too, but not each time
  GTEST_SKIP() << "the machine is busy: the host was kept from running in each try (us)" << seen;
}

TEST_P(Timing, ProcessorTimeAddsUp) {
  DuetHost host = start();
  HttpClient client = host.client();
  for (int i = 0; i < 40; ++i) client.get("/b/hold");
  const auto cpu = host.api("/api/handlers")["cpu_seconds"];
  const auto unattributed = cpu["unattributed"];
  const double parts = cpu["handlers"].get<double>() + cpu["engines"].get<double>() +
                       unattributed["loop"].get<double>() + unattributed["start"].get<double>() +
                       unattributed["other"].get<double>();
  const double process = cpu["process"];
  EXPECT_NEAR(parts / process, 1, 0.02) << cpu.dump();
  // Most of it is what the handler spun: 40 times 20 ms, as far as it had the processor.
  EXPECT_GT(cpu["handlers"].get<double>(), process / 2) << cpu.dump();
}

}  // namespace
}  // namespace duet
