#include "tests/support/eventually.h"

#include <poll.h>

namespace duet::testing_support {

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  while (!condition()) {
    if (Clock::now() >= until) return condition();
    poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace duet::testing_support
