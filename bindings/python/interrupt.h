// Making the code that holds the loop's thread raise HandlerInterrupted.
//
// By a signal, because CPython's handling of them reaches further than an asynchronous exception:
// it ends system calls, too, so time.sleep() and a blocking read() raise. The signal is tagged with
// the slice that it means; when it finds another one, it is stale and means nothing.
#pragma once

#include <pthread.h>

namespace duet::python {

// To be called once, on the loop's thread with the GIL, after bootstrap.py has given SIGURG its
// handler.
void prepare_interrupts();

// Interrupts the slice that runs on the loop's thread, if one does. Any thread, no GIL.
void request_interrupt(pthread_t loop_thread);

// Whether the slice that runs is the one that was meant; says yes once. Loop's thread, GIL held.
bool interrupt_is_due();

// In a child made by fork: the host's handlers of signals are gone, and what they caught has its
// default effect. The thread that lives there, GIL held.
void forget_host_signals();

}  // namespace duet::python
