// A control group whose processes have a share of one processor.
#pragma once

#include <memory>
#include <string>

#include "host/base/result.h"

namespace duet::cli {

class CpuQuota {
 public:
  // `share`: 0.25 is a quarter of a processor, in periods of 100 ms (the kernel's default, and what
  // container platforms leave it at). Errors: this user may make no such group.
  static Result<std::unique_ptr<CpuQuota>> create(double share);
  // Removes the group; its processes have ended.
  ~CpuQuota();
  CpuQuota(const CpuQuota&) = delete;
  CpuQuota& operator=(const CpuQuota&) = delete;

  // The shell command that runs `command` within the group.
  std::string within(const std::string& command) const;

 private:
  explicit CpuQuota(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
};

}  // namespace duet::cli
