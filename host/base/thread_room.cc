#include "host/base/thread_room.h"

#include <latch>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace duet {

Result<void> room_for_threads(unsigned count) {
  std::latch all_there(1);
  std::vector<std::thread> threads;
  threads.reserve(count);
  Result<void> result;
  try {
    while (threads.size() < count) threads.emplace_back([&] { all_there.wait(); });
  } catch (const std::system_error& error) {
    result = Error{
        "the system gives this process " + std::to_string(threads.size()) +
            " more threads, and it needs " + std::to_string(count) + ": " + error.code().message(),
        "", "raise the limit: `ulimit -u`, or the service's or container's TasksMax, pids", ""};
  }
  all_there.count_down();
  for (std::thread& thread : threads) thread.join();
  return result;
}

}  // namespace duet
