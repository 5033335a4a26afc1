#include "host/cli/loading_watch.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace duet::cli {

LoadingWatch::LoadingWatch(Nanos patience, std::function<void(const std::string&, Nanos)> slow)
    : patience_(patience), slow_(std::move(slow)), thread_([this] { watch(); }) {}

LoadingWatch::~LoadingWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LoadingWatch::began(const std::string& name) {
  const std::lock_guard lock(mutex_);
  loading_.push_back(name);
}

void LoadingWatch::ended(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find(loading_.begin(), loading_.end(), name);
  if (found != loading_.end()) loading_.erase(found);
}

void LoadingWatch::watch() {
  const Nanos started = now();
  std::unique_lock lock(mutex_);
  for (Nanos pause = patience_;; pause *= 2) {
    const auto stopping = [this] { return stopping_; };
    if (changed_.wait_for(lock, std::chrono::nanoseconds(pause), stopping)) return;
    std::string names;
    for (const std::string& name : loading_) names += (names.empty() ? "" : ", ") + name;
    if (!names.empty()) slow_(names, now() - started);
  }
}

}  // namespace duet::cli
