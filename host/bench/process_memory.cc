#include "host/bench/process_memory.h"

#include <unistd.h>

#include <fstream>
#include <string>

#include "host/bench/process_cpu.h"

namespace duet::bench {

std::optional<std::int64_t> resident_of(std::span<const pid_t> processes) {
  std::optional<std::int64_t> bytes;
  for (const pid_t process : processes) {
    std::int64_t all = 0, resident = 0;
    std::ifstream("/proc/" + std::to_string(process) + "/statm") >> all >> resident;
    bytes = bytes.value_or(0) + resident * sysconf(_SC_PAGESIZE);
  }
  return bytes;
}

std::optional<std::int64_t> resident_of_group(pid_t group) {
  return resident_of(processes_of_group(group));
}

}  // namespace duet::bench
