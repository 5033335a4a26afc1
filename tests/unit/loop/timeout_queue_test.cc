#include "host/loop/timeout_queue.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace duet {
namespace {

class TimeoutQueueTest : public ::testing::Test {
 protected:
  // One that runs a function, in a place that does not move.
  struct Entry {
    explicit Entry(std::function<void()> task)
        : task(std::move(task)),
          timeout([](void* self) { static_cast<Entry*>(self)->task(); }, this) {}
    std::function<void()> task;
    Timeout timeout;
  };

  // Runs the loop until an entry stops it.
  void run() { loop_->run(); }

  std::unique_ptr<Loop> loop_ = std::move(*Loop::create());
  std::string expired_;
};

TEST_F(TimeoutQueueTest, ExpiresInOrderAndNotEarly) {
  TimeoutQueue queue(*loop_, 5 * kMillisecond);
  const Nanos start = now();
  Nanos last = 0;
  Entry a([&] { expired_ += 'a'; });
  Entry b([&] { expired_ += 'b'; });
  Entry c([&] {
    expired_ += 'c';
    last = now();
    loop_->stop();
  });
  a.timeout.arm(queue, start);
  b.timeout.arm(queue, start + kMillisecond);
  c.timeout.arm(queue, start + 3 * kMillisecond);
  run();
  EXPECT_EQ(expired_, "abc");
  EXPECT_GE(last - start, 8 * kMillisecond);
  EXPECT_FALSE(a.timeout.armed() || b.timeout.armed() || c.timeout.armed());
}

TEST_F(TimeoutQueueTest, ForgetsWhatIsDisarmedOrDestroyed) {
  TimeoutQueue queue(*loop_, kMillisecond);
  Entry first([&] { expired_ += 'f'; });
  auto middle = std::make_unique<Entry>([&] { expired_ += 'm'; });
  Entry last([&] {
    expired_ += 'l';
    loop_->stop();
  });
  const Nanos start = now();
  first.timeout.arm(queue, start);
  middle->timeout.arm(queue, start);
  last.timeout.arm(queue, start);
  first.timeout.disarm();
  first.timeout.disarm();  // twice does no harm
  middle.reset();
  run();
  EXPECT_EQ(expired_, "l");
}

TEST_F(TimeoutQueueTest, StartsAnewWhenArmedAgain) {
  TimeoutQueue queue(*loop_, 3 * kMillisecond);
  const Nanos start = now();
  Nanos when = 0;
  Entry entry([&] {
    when = now();
    loop_->stop();
  });
  entry.timeout.arm(queue, start);
  entry.timeout.arm(queue, start + 4 * kMillisecond);
  run();
  EXPECT_GE(when - start, 7 * kMillisecond);
}

TEST_F(TimeoutQueueTest, MovesBetweenQueues) {
  TimeoutQueue slow(*loop_, 3600 * kSecond);
  TimeoutQueue fast(*loop_, kMillisecond);
  Entry entry([&] { loop_->stop(); });
  entry.timeout.arm(slow, now());
  entry.timeout.arm(fast, now());
  run();
  EXPECT_FALSE(entry.timeout.armed());
}

TEST_F(TimeoutQueueTest, ArmsAgainFromWithinItsExpiry) {
  TimeoutQueue queue(*loop_, kMillisecond);
  int times = 0;
  Entry* self = nullptr;
  Entry entry([&] {
    if (++times < 3) {
      self->timeout.arm(queue, now());
    } else {
      loop_->stop();
    }
  });
  self = &entry;
  entry.timeout.arm(queue, now());
  run();
  EXPECT_EQ(times, 3);
}

TEST_F(TimeoutQueueTest, LetsAnExpiryDestroyItsOwnerAndItsNeighbour) {
  TimeoutQueue queue(*loop_, kMillisecond);
  std::unique_ptr<Entry> neighbour, owner;
  owner = std::make_unique<Entry>([&] {
    neighbour.reset();
    std::unique_ptr<Entry> gone = std::move(owner);
    loop_->after(2 * kMillisecond, [this] { loop_->stop(); });
  });
  neighbour = std::make_unique<Entry>([&] { expired_ += 'n'; });
  const Nanos start = now();
  owner->timeout.arm(queue, start);
  neighbour->timeout.arm(queue, start);
  run();
  EXPECT_EQ(expired_, "");
}

TEST_F(TimeoutQueueTest, NeverExpiresWithDurationZero) {
  TimeoutQueue never(*loop_, 0);
  Entry entry([&] { expired_ += 'x'; });
  entry.timeout.arm(never, now() - kSecond);
  EXPECT_FALSE(entry.timeout.armed());
  loop_->after(2 * kMillisecond, [this] { loop_->stop(); });
  run();
  EXPECT_EQ(expired_, "");
}

TEST_F(TimeoutQueueTest, WakesTheLoopNoMoreOnceEmpty) {
  TimeoutQueue queue(*loop_, kMillisecond);
  std::deque<Entry> entries;
  const Nanos start = now();
  for (int i = 0; i < 100; ++i) {
    entries.emplace_back([] {}).timeout.arm(queue, start + i * kMillisecond / 10);
  }
  for (Entry& entry : entries) entry.timeout.disarm();
  loop_->after(3 * kMillisecond, [this] { loop_->stop(); });
  run();
  uv_run(loop_->uv(), UV_RUN_NOWAIT);
  EXPECT_EQ(uv_backend_timeout(loop_->uv()), -1) << "a timer is left running for nobody";
}

TEST_F(TimeoutQueueTest, DisarmsWhatIsLeftWhenTheQueueGoes) {
  Entry entry([&] { expired_ += 'x'; });
  {
    TimeoutQueue queue(*loop_, kMillisecond);
    entry.timeout.arm(queue, now());
  }
  EXPECT_FALSE(entry.timeout.armed());
  loop_->after(2 * kMillisecond, [this] { loop_->stop(); });
  run();
  EXPECT_EQ(expired_, "");
}

TEST_F(TimeoutQueueTest, WhatCameWhileTheLoopWasHeldIsReadFirst) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  TimeoutQueue queue(*loop_, 5 * kMillisecond);
  Entry entry([&] { expired_ += "late "; });
  Entry last([&] {
    expired_ += "end";
    loop_->stop();
  });
  uv_poll_t readable;
  ASSERT_EQ(uv_poll_init(loop_->uv(), &readable, pipe[0]), 0);
  readable.data = &entry;
  uv_poll_start(&readable, UV_READABLE, [](uv_poll_t* poll, int, int) {
    uv_poll_stop(poll);
    static_cast<Entry*>(poll->data)->timeout.disarm();
  });
  loop_->post([&] {
    entry.timeout.arm(queue, now());
    last.timeout.arm(queue, now());
    ASSERT_EQ(::write(pipe[1], "x", 1), 1);
    const Nanos until = now() + 30 * kMillisecond;
    while (now() < until) {
    }
  });
  run();
  EXPECT_EQ(expired_, "end");
  uv_close(reinterpret_cast<uv_handle_t*>(&readable), nullptr);
  loop_->post([&] { loop_->stop(); });
  run();
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(TimeoutQueueTest, NothingExpiresOnceSuspended) {
  TimeoutQueue queue(*loop_, kMillisecond);
  TimeoutQueue other(*loop_, 20 * kMillisecond);
  Entry before([&] { expired_ += 'b'; });
  Entry after([&] { expired_ += 'a'; });
  Entry end([&] { loop_->stop(); });
  before.timeout.arm(queue, now());
  queue.suspend();
  after.timeout.arm(queue, now());
  EXPECT_FALSE(before.timeout.armed() || after.timeout.armed());
  end.timeout.arm(other, now());
  run();
  EXPECT_EQ(expired_, "");
}

}  // namespace
}  // namespace duet
