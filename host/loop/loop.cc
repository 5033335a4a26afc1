#include "host/loop/loop.h"

#include <algorithm>
#include <utility>

#include "host/base/check.h"

namespace duet {

// A timer of after(), which deletes itself once it has fired.
struct Loop::OneShot {
  uv_timer_t timer;
  Loop* loop;
  std::function<void()> task;

  void close() {
    std::erase(loop->one_shots_, this);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer),
             [](uv_handle_t* handle) { delete static_cast<OneShot*>(handle->data); });
  }
};

Result<std::unique_ptr<Loop>> Loop::create() {
  std::unique_ptr<Loop> loop(new Loop);
  if (const int code = uv_loop_init(&loop->loop_); code != 0) {
    return Error{std::string("the event loop cannot start: ") + uv_strerror(code), "", "", ""};
  }
  loop->loop_.data = loop.get();
  DUET_CHECK(uv_async_init(&loop->loop_, &loop->wake_, [](uv_async_t* wake) {
               static_cast<Loop*>(wake->data)->run_posted();
             }) == 0);
  loop->wake_.data = loop.get();
  DUET_CHECK(uv_prepare_init(&loop->loop_, &loop->prepare_) == 0);
  DUET_CHECK(uv_check_init(&loop->loop_, &loop->check_) == 0);
  loop->prepare_.data = loop->check_.data = loop.get();
  uv_prepare_start(&loop->prepare_, [](uv_prepare_t* prepare) {
    for (LoopObserver* observer : static_cast<Loop*>(prepare->data)->observers_) {
      observer->before_poll();
    }
  });
  uv_check_start(&loop->check_, after_poll);
  // The observers alone do not keep the loop going; `wake_` does, until stop().
  uv_unref(reinterpret_cast<uv_handle_t*>(&loop->prepare_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&loop->check_));
  return loop;
}

Loop::~Loop() {
  while (!one_shots_.empty()) one_shots_.back()->close();
  for (uv_handle_t* own :
       {reinterpret_cast<uv_handle_t*>(&wake_), reinterpret_cast<uv_handle_t*>(&prepare_),
        reinterpret_cast<uv_handle_t*>(&check_)}) {
    if (own->loop != nullptr && !uv_is_closing(own)) uv_close(own, nullptr);
  }
  uv_run(&loop_, UV_RUN_NOWAIT);
  uv_loop_close(&loop_);
}

void Loop::run() {
  // uv tells those first that began last. The observers are before the engines' own: what they run
  // may wait for the engine's part of the same turn (setImmediate).
  uv_check_stop(&check_);
  uv_check_start(&check_, after_poll);
  uv_run(&loop_, UV_RUN_DEFAULT);
}

void Loop::after_poll(uv_check_t* check) {
  for (LoopObserver* observer : static_cast<Loop*>(check->data)->observers_) {
    observer->after_poll();
  }
}

void Loop::stop() { uv_stop(&loop_); }

void Loop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
  }
  uv_async_send(&wake_);
}

void Loop::run_posted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
}

void Loop::after(Nanos delay, std::function<void()> task) {
  auto* shot = new OneShot{{}, this, std::move(task)};
  one_shots_.push_back(shot);
  DUET_CHECK(uv_timer_init(&loop_, &shot->timer) == 0);
  shot->timer.data = shot;
  uv_update_time(&loop_);
  const auto milliseconds =
      static_cast<std::uint64_t>((std::max<Nanos>(delay, 0) + kMillisecond - 1) / kMillisecond);
  uv_timer_start(
      &shot->timer,
      [](uv_timer_t* timer) {
        auto* fired = static_cast<OneShot*>(timer->data);
        auto run = std::move(fired->task);
        fired->close();
        run();
      },
      milliseconds, 0);
}

void Loop::add_observer(LoopObserver* observer) { observers_.push_back(observer); }

void Loop::remove_observer(LoopObserver* observer) { std::erase(observers_, observer); }

}  // namespace duet
