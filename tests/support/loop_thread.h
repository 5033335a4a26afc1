// A loop that runs on a thread of its own, so that a test can be a blocking client of it.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>

#include "host/base/check.h"
#include "host/loop/loop.h"

namespace duet::testing_support {

class LoopThread {
 public:
  LoopThread() {
    std::promise<Loop*> created;
    auto loop = created.get_future();
    thread_ = std::thread([&created] {
      auto owned = Loop::create();
      DUET_CHECK(owned.ok());
      Loop& mine = **owned;
      created.set_value(&mine);
      mine.run();
    });
    loop_ = loop.get();
  }
  ~LoopThread() {
    loop_->post([loop = loop_] { loop->stop(); });
    thread_.join();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  // For use inside run() only, save post().
  Loop& loop() { return *loop_; }

  // Runs `task` on the loop's thread and gives what it gives. Not from the loop's thread.
  template <class Task>
  auto run(Task task) -> std::invoke_result_t<Task> {
    std::promise<std::invoke_result_t<Task>> result;
    auto future = result.get_future();
    loop_->post([&] {
      if constexpr (std::is_void_v<std::invoke_result_t<Task>>) {
        task();
        result.set_value();
      } else {
        result.set_value(task());
      }
    });
    return future.get();
  }

 private:
  Loop* loop_ = nullptr;
  std::thread thread_;
};

}  // namespace duet::testing_support
