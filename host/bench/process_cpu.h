// Which processes are behind a server, and the CPU time that they used.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "host/base/clock.h"

namespace duet::bench {

// Those of a process group, ascending; those that ended and were not waited for are none.
std::vector<pid_t> processes_of_group(pid_t group);

// Those that hold a socket listening on that TCP port, ascending, as far as this user may see
// them: none for a server of another machine, another user or another network namespace.
std::vector<pid_t> processes_listening(std::uint16_t port);

// The CPU time of all their threads so far, those that ended included (the process clocks of
// clock_getcpuclockid(3)): a microsecond each. Nothing when one of them is gone, or there are none.
std::optional<Nanos> cpu_of(std::span<const pid_t> processes);

}  // namespace duet::bench
