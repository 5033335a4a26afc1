// Stopping the host while its loop stands still: at a breakpoint, or in a call that does not end.
#pragma once

#include <functional>
#include <span>

namespace duet::cli {

// The loop's watchers of `signals` run only when it turns. From here on a second signal ends the
// process where the loop has not seen the first; what follows a signal within 100 ms is that
// signal's echo and counts for nothing. After those watchers were started; once.
//
// Whoever sent the first one is not left without a word: `held` is called when the loop has not
// seen it after a quarter of a second, on a thread of its own, which stays for the process's life.
void stop_even_a_held_loop(std::span<const int> signals, std::function<void()> held);

// The loop has seen one. Loop's thread.
void signal_seen();

}  // namespace duet::cli
