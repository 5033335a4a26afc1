// `duet bench --objective` on a server of known capacity: it settles, and the truth lies between
// the ends that it gives.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using Json = nlohmann::json;
using testing_support::DuetHost;
using testing_support::Finished;
using testing_support::HostOptions;
using testing_support::TemporaryDirectory;

// One clerk, a millisecond a request: below 1,000 requests a second each is answered in about that
// time, above it the queue grows without end. A trial of 500 ms at a rate of 1,000 (1 + x) ends
// with a queue of 500 x ms, and a tenth of its requests wait for more than 450 x: so with arrivals
// at even distances `p90 < 20ms` holds in a trial up to x = 19 / 450, and in no trial beyond.
TEST(TimingBenchCapacity, TheTruthLiesBetweenTheEnds) {
  constexpr double kCapacity = 1000, kHoldsInATrial = kCapacity * (1 + 19.0 / 450);
  TemporaryDirectory directory;
  directory.write("duet.toml",
                  "[handlers.clerk]\nsource = \"scripted.so\"\n"
                  "env = { LOW_US = \"0\", HIGH_US = \"0\", SERVE_US = \"1000\" }\n"
                  "[[routes]]\npath = \"/{rest...}\"\nhandler = \"clerk\"\n");
  DuetHost host(HostOptions{
      .arguments = {}, .environment = {}, .directory = directory.path(), .listeners = 1});
  const Finished finished = testing_support::run(
      testing_support::duet_program(),
      {.arguments = {"bench", "clerk=" + host.address(), "--objective", "p90 < 20ms", "--arrivals",
                     "constant", "--rate", "300", "--warmup", "200ms", "--seed", "1", "--json"},
       .environment = {},
       .directory = "",
       .terminal = false},
      std::chrono::seconds(100));
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json arm = Json::parse(finished.out)["arms"][0];
  ASSERT_EQ(arm["settled"], true) << arm;
  ASSERT_TRUE(arm["holds"].is_object() && arm["fails"].is_object()) << arm;
  const double holds = arm["holds"]["rate"], fails = arm["fails"]["rate"];
  // Neither end is on the wrong side, and they are not far from each other.
  EXPECT_LE(holds, 1.01 * kHoldsInATrial) << arm;
  EXPECT_GE(fails, 0.99 * kCapacity) << arm;
  EXPECT_LT(holds, fails) << arm;
  EXPECT_LT(fails / holds, 1.5) << arm;
}

}  // namespace
}  // namespace duet
