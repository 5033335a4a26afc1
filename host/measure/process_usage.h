// What the process uses, by the kernel's account.
#pragma once

#include <cstdint>

#include "host/base/clock.h"

namespace duet::measure {

struct ProcessUsage {
  Nanos user_cpu = 0, system_cpu = 0;
  std::int64_t resident_bytes = 0, virtual_bytes = 0;
  double start_time = 0;  // seconds since the epoch
};

// Reads /proc and getrusage: about 10 us.
ProcessUsage process_usage();

}  // namespace duet::measure
