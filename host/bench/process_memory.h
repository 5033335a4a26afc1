// What a server's processes have of the memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>

namespace duet::bench {

// Resident bytes of all these processes, added up: what they share counts for each, so that growth
// says more than the sum. Reads /proc; takes no lock of theirs. Nothing: there are none.
std::optional<std::int64_t> resident_of(std::span<const pid_t> processes);
// Of all processes of that group.
std::optional<std::int64_t> resident_of_group(pid_t group);

}  // namespace duet::bench
