// Time for measurements and spins: monotonic wall time, and CPU time of the thread or the process, in nanoseconds.
#pragma once

#include <cstdint>

namespace lathe {

int64_t now_ns();          // monotonic wall clock
int64_t thread_cpu_ns();   // CPU time consumed by the calling thread
int64_t process_cpu_ns();  // CPU time consumed by all threads of the process

}  // namespace lathe
