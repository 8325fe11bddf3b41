// The CPUs that this thread runs on, by number, ascending.
#pragma once

#include <vector>

namespace lathe {

int current_cpu() noexcept;                       // where it runs at this moment; -1 where the system does not say
std::vector<int> allowed_cpus();                  // of the calling thread; empty or all where the system does not say
bool bind_to_cpus(const std::vector<int>& cpus);  // the calling thread, and the threads that it starts from now on

}  // namespace lathe
