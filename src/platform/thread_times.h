// What the threads of this process are doing now, and their CPU time. process_cpu_ns() is cheap, but counts another
// running thread only up to its last scheduler tick: 4 ms late at 250 Hz, which hides a thread that spins from a look
// of 1 ms.
#pragma once

#include <cstdint>

namespace lathe {

// Sum over the threads that live now, to the nanosecond; about a microsecond a thread. Where the system has no such
// clocks, process_cpu_ns().
int64_t live_threads_cpu_ns();

// Threads other than the caller that run or wait for a CPU; 0 where the system does not tell. A thread that spins is
// seen even while a busy machine gives it no CPU.
int other_runnable_threads();

}  // namespace lathe
