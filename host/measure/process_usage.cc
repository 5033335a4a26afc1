#include "host/measure/process_usage.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace duet::measure {
namespace {

Nanos nanos(const timeval& time) {
  return static_cast<Nanos>(time.tv_sec) * kSecond + time.tv_usec * kMicrosecond;
}

// The whole of a small file of /proc, NUL-terminated; empty when it cannot be read.
template <std::size_t kSize>
void read_file(const char* path, char (&text)[kSize]) {
  text[0] = '\0';
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const ssize_t length = read(fd, text, kSize - 1);
  close(fd);
  text[length > 0 ? length : 0] = '\0';
}

// Field 22 of /proc/self/stat is the start in clock ticks since boot; the process's name, field 2,
// is in brackets and may hold anything.
double read_start_time() {
  char stat[1024];
  read_file("/proc/self/stat", stat);
  const char* field = std::strrchr(stat, ')');
  if (field == nullptr) return 0;
  for (int i = 2; i < 22 && field != nullptr; ++i) field = std::strchr(field + 1, ' ');
  if (field == nullptr) return 0;
  const double since_boot =
      std::strtod(field + 1, nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
  timespec boot;
  clock_gettime(CLOCK_BOOTTIME, &boot);
  const double booted = static_cast<double>(wall_now()) * 1e-9 - static_cast<double>(boot.tv_sec) -
                        static_cast<double>(boot.tv_nsec) * 1e-9;
  return booted + since_boot;
}

}  // namespace

ProcessUsage process_usage() {
  ProcessUsage usage;
  rusage resources;
  getrusage(RUSAGE_SELF, &resources);
  usage.user_cpu = nanos(resources.ru_utime);
  usage.system_cpu = nanos(resources.ru_stime);
  char statm[128];
  read_file("/proc/self/statm", statm);
  long long pages = 0, resident = 0;
  if (std::sscanf(statm, "%lld %lld", &pages, &resident) == 2) {
    const long page = sysconf(_SC_PAGESIZE);
    usage.virtual_bytes = pages * page;
    usage.resident_bytes = resident * page;
  }
  static const double start_time = read_start_time();
  usage.start_time = start_time;
  return usage;
}

}  // namespace duet::measure
