#include "host/cli/lab_quota.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace duet::cli {

namespace {

constexpr int kPeriodMicros = 100'000;
// Where the processor's controller may be: cgroup v2, and v1.
constexpr const char* kTwo = "/sys/fs/cgroup";
constexpr const char* kOne = "/sys/fs/cgroup/cpu";
constexpr int kRemoveTries = 100, kRemoveEveryMs = 10;

bool write_to(const std::string& file, const std::string& text) {
  std::ofstream out(file);
  return out && out << text << std::flush;
}

}  // namespace

Result<std::unique_ptr<CpuQuota>> CpuQuota::create(double share) {
  const std::string quota = std::to_string(static_cast<int>(share * kPeriodMicros));
  const std::string period = std::to_string(kPeriodMicros);
  const std::string quota_of_period = quota + " " + period;
  int code = ENOENT;
  for (const char* root : {kOne, kTwo}) {
    const std::string folder = std::string(root) + "/duet-lab-" + std::to_string(getpid());
    if (mkdir(folder.c_str(), 0755) != 0) {
      if (errno != ENOENT) code = errno;
      continue;
    }
    std::unique_ptr<CpuQuota> made(new CpuQuota(folder));
    const bool set = root == kTwo ? write_to(folder + "/cpu.max", quota_of_period)
                                  : write_to(folder + "/cpu.cfs_period_us", period) &&
                                        write_to(folder + "/cpu.cfs_quota_us", quota);
    if (set) return made;
    code = EOPNOTSUPP;
  }
  return Error{std::string("a control group for a share of a processor cannot be made: ") +
                   std::strerror(code),
               {},
               "run it as root on a machine of your own, where /sys/fs/cgroup can be written",
               {}};
}

CpuQuota::~CpuQuota() {
  // What has just been killed may still be leaving.
  for (int i = 0; rmdir(folder_.c_str()) != 0 && errno == EBUSY && i < kRemoveTries; ++i) {
    poll(nullptr, 0, kRemoveEveryMs);
  }
}

std::string CpuQuota::within(const std::string& command) const {
  return "echo $$ > " + folder_ + "/cgroup.procs && " + command;
}

}  // namespace duet::cli
