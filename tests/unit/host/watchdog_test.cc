#include "host/watchdog.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "tests/support/eventually.h"

namespace duet {
namespace {

using testing_support::eventually;

// The test's thread plays the loop's: it opens and closes slices.
class WatchdogTest : public ::testing::Test {
 protected:
  WatchdogTest() {
    for (measure::HandlerIndex handler = 0; handler < 3; ++handler) ledger_.add_handler(handler);
    watchdog_.emplace(
        ledger_, [this](measure::HandlerIndex handler) { return limits_[handler].load(); },
        [this](measure::HandlerIndex handler, Nanos lasted) {
          const std::lock_guard lock(mutex_);
          reports_.emplace_back(handler, lasted);
        });
  }
  std::vector<std::pair<measure::HandlerIndex, Nanos>> reports() {
    const std::lock_guard lock(mutex_);
    return reports_;
  }

  measure::Ledger ledger_;
  std::atomic<Nanos> limits_[3] = {20 * kMillisecond, 3600 * kSecond, 0};
  std::mutex mutex_;
  std::vector<std::pair<measure::HandlerIndex, Nanos>> reports_;
  std::optional<Watchdog> watchdog_;
};

TEST_F(WatchdogTest, ReportsASliceThatLastsTooLongOnce) {
  ledger_.begin(0, nullptr);
  ASSERT_TRUE(eventually([&] { return !reports().empty(); }));
  // Watched on, and not reported again.
  EXPECT_FALSE(eventually([&] { return reports().size() > 1; }, std::chrono::milliseconds(200)));
  EXPECT_EQ(reports()[0].first, 0u);
  EXPECT_GE(reports()[0].second, 20 * kMillisecond);
  ledger_.end(measure::Phase::kAwait);
}

TEST_F(WatchdogTest, ReportsTheNextSliceAsWell) {
  for (std::size_t i = 1; i <= 2; ++i) {
    ledger_.begin(0, nullptr);
    EXPECT_TRUE(eventually([&] { return reports().size() == i; })) << i;
    ledger_.end(measure::Phase::kAwait);
  }
}

TEST_F(WatchdogTest, WakesUpForASliceAfterALongSleep) {
  // Idle for several of its periods: it sleeps without a timer by then.
  EXPECT_FALSE(eventually([&] { return !reports().empty(); }, std::chrono::milliseconds(250)));
  ledger_.begin(0, nullptr);
  EXPECT_TRUE(eventually([&] { return reports().size() == 1; }));
  ledger_.end(measure::Phase::kAwait);
}

TEST_F(WatchdogTest, LeavesSlicesWithinTheirLimitAlone) {
  for (int i = 0; i < 20; ++i) {
    ledger_.begin(1, nullptr);
    eventually([] { return false; }, std::chrono::milliseconds(5));
    ledger_.end(measure::Phase::kAwait);
  }
  ledger_.begin(2, nullptr);  // without a limit
  EXPECT_FALSE(eventually([&] { return !reports().empty(); }, std::chrono::milliseconds(150)));
  ledger_.end(measure::Phase::kAwait);
}

TEST_F(WatchdogTest, EndsWhileASliceIsOpenAndWhileItSleeps) {
  ledger_.begin(1, nullptr);
  watchdog_.reset();
  ledger_.end(measure::Phase::kAwait);
  ledger_.begin(0, nullptr);  // nobody watches, and nobody is called
  ledger_.end(measure::Phase::kAwait);
}

}  // namespace
}  // namespace duet
