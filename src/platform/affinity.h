// The CPUs that this thread may run on, by number, ascending.
#pragma once

#include <vector>

namespace lathe {

std::vector<int> allowed_cpus();                  // of the calling thread; empty where the system does not say
bool bind_to_cpus(const std::vector<int>& cpus);  // the calling thread, and the threads that it starts from now on

}  // namespace lathe
