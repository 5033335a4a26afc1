// Says which handlers keep the host from starting when that takes long. From a thread of its own:
// a module that computes or blocks at its top level holds the loop.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/base/clock.h"

namespace duet::cli {

class LoadingWatch {
 public:
  // `slow(names, lasted)`: those are loading, `lasted` after the first of them began; called on the
  // watch's thread after `patience`, and again each time that twice as long has passed.
  LoadingWatch(Nanos patience, std::function<void(const std::string& names, Nanos lasted)> slow);
  ~LoadingWatch();  // joins
  LoadingWatch(const LoadingWatch&) = delete;
  LoadingWatch& operator=(const LoadingWatch&) = delete;

  // The loop's thread.
  void began(const std::string& name);
  void ended(const std::string& name);

 private:
  void watch();

  const Nanos patience_;
  const std::function<void(const std::string&, Nanos)> slow_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> loading_;  // guarded by mutex_, as is stopping_
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace duet::cli
