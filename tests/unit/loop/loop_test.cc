#include "host/loop/loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace duet {
namespace {

std::unique_ptr<Loop> make_loop() {
  auto loop = Loop::create();
  EXPECT_TRUE(loop.ok());
  return std::move(*loop);
}

TEST(Loop, RunsPostedTasksInOrder) {
  auto loop = make_loop();
  std::string order;
  loop->post([&] { order += 'a'; });
  loop->post([&] {
    order += 'b';
    loop->post([&] {
      order += 'd';
      loop->stop();
    });
  });
  loop->post([&] { order += 'c'; });
  loop->run();
  EXPECT_EQ(order, "abcd");
}

TEST(Loop, TakesTasksFromAnyThread) {
  auto loop = make_loop();
  constexpr int kThreads = 4, kEach = 500;
  int ran = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int task = 0; task < kEach; ++task) {
        loop->post([&] {
          if (++ran == kThreads * kEach) loop->stop();
        });
      }
    });
  }
  loop->run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kEach);
}

TEST(Loop, DestroysTasksPostedTooLateUnrun) {
  auto loop = make_loop();
  loop->post([&] { loop->stop(); });
  loop->run();
  auto held = std::make_shared<int>(1);
  bool ran = false;
  loop->post([held, &ran] { ran = true; });
  loop.reset();
  EXPECT_EQ(held.use_count(), 1) << "the task was not destroyed with the loop";
  EXPECT_FALSE(ran);
}

TEST(Loop, RunsATaskAfterADelayNeverEarly) {
  auto loop = make_loop();
  const Nanos start = now();
  Nanos ran = 0;
  loop->after(5 * kMillisecond + 300 * kMicrosecond, [&] {
    ran = now();
    loop->stop();
  });
  loop->run();
  EXPECT_GE(ran - start, 5 * kMillisecond + 300 * kMicrosecond);
}

TEST(Loop, TakesADelayOfZeroAndBelow) {
  auto loop = make_loop();
  int ran = 0;
  const auto count = [&] {
    if (++ran == 2) loop->stop();
  };
  loop->after(0, count);
  loop->after(-kSecond, count);
  loop->run();
  EXPECT_EQ(ran, 2);
}

TEST(Loop, ForgetsATimerThatIsPendingWhenItIsDestroyed) {
  auto loop = make_loop();
  auto held = std::make_shared<int>(1);
  loop->after(3600 * kSecond, [held] {});
  loop->post([&] { loop->stop(); });
  loop->run();
  loop.reset();
  EXPECT_EQ(held.use_count(), 1) << "the timer's task leaks";
}

struct Recorder final : LoopObserver {
  Recorder(std::string& to, char name) : to(to), name(name) {}
  void before_poll() noexcept override { to += name; }
  void after_poll() noexcept override { to += static_cast<char>(name - 'a' + 'A'); }
  std::string& to;
  char name;
};

TEST(Loop, TellsObserversInOrderOfRegistration) {
  auto loop = make_loop();
  std::string order;
  Recorder first(order, 'a'), second(order, 'b');
  loop->add_observer(&first);
  loop->add_observer(&second);
  loop->post([&] { loop->stop(); });
  loop->run();
  EXPECT_TRUE(order.starts_with("abAB")) << order;
  loop->remove_observer(&first);
  order.clear();
  loop->post([&] { loop->stop(); });
  loop->run();
  EXPECT_EQ(order.find('a'), std::string::npos) << order;
  EXPECT_NE(order.find('b'), std::string::npos) << order;
}

TEST(Loop, WaitsWithoutATimerWhenThereIsNothingToDo) {
  auto loop = make_loop();
  int timeout = 0;
  loop->post([&] {
    timeout = uv_backend_timeout(loop->uv());
    loop->stop();
  });
  loop->run();
  EXPECT_NE(timeout, 0);
  uv_run(loop->uv(), UV_RUN_NOWAIT);
  EXPECT_EQ(uv_backend_timeout(loop->uv()), -1);
}

}  // namespace
}  // namespace duet
