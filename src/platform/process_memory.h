// What this process holds of the machine's memory now, and held at most.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lathe {

struct ProcessMemory {
  int64_t anonymous = 0;  // bytes that are resident: heap, stacks, buffers
  int64_t file = 0;       // mapped files, of which the system can take pages back
  int64_t peak = 0;       // of both together, since the process began

  int64_t resident() const { return anonymous + file; }
};

// Nothing where the system does not tell.
std::optional<ProcessMemory> process_memory();
// From the text of /proc/self/status.
std::optional<ProcessMemory> parse_process_memory(std::string_view status);

}  // namespace lathe
