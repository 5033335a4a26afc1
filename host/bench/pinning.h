// Which processors a run's servers and its generator have, so that neither is in the other's time.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace duet::bench {

// Numbers of processors, ascending, as the kernel counts them.
using Processors = std::vector<int>;

struct Pinning {
  Processors servers;    // each server that the bench starts has all of these
  Processors generator;  // and everything of the bench itself these; none of them is a server's
};

// Those that this thread may use.
Processors usable_processors();

// "0-2,4/3": those of the servers, then those of the generator; empty: the first two that are
// usable, one for each. Error: it is no such thing, one of them cannot be used, or both have it.
Result<Pinning> parse_pinning(std::string_view text, const Processors& usable);

// "0-2,4".
std::string to_string(const Processors& processors);

// The calling thread, and what it starts from now on. Nothing but a system call, so that a child
// may call it between fork() and exec. 0, or the errno.
int stay_on(const Processors& processors);

}  // namespace duet::bench
