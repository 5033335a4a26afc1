// What a run was measured on, as far as it changes the figures: the kernel, the processor and how
// it may be used. Two runs are comparable when all of it is the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/clock.h"

namespace duet::bench {

// "kernel" and "Linux 6.1.0 x86_64".
struct Fact {
  std::string name, value;
  bool operator==(const Fact&) const = default;
};
using Fingerprint = std::vector<Fact>;

// Of this machine and of the control groups (versions 1 and 2) that this process is in. What cannot
// be read is "unknown". `root`: before /proc and /sys, for tests.
Fingerprint machine_fingerprint(const std::string& root = "");

// Variables of the environment that change how engines and allocators work, those that are set.
Fingerprint environment_flags();

// "kernel: Linux 6.1 here, Linux 6.5 there", one for each fact that differs or that one lacks.
std::vector<std::string> differences(const Fingerprint& a, const Fingerprint& b);

// What took processor time away from everything in this control group.
struct Disturbance {
  std::uint64_t throttled_periods = 0;
  Nanos throttled = 0;  // in all of the group's threads together
  Nanos stolen = 0;     // by the hypervisor, of all processors together
};
// Counted since long ago: take the difference of two. What cannot be read is 0.
Disturbance disturbance(const std::string& root = "");
Disturbance operator-(const Disturbance& after, const Disturbance& before);

}  // namespace duet::bench
