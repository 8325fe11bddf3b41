#include "platform/process_memory.h"

#include <fstream>
#include <iterator>
#include <string>

#include "platform/system_text.h"

namespace lathe {

std::optional<ProcessMemory> parse_process_memory(std::string_view status) {
  const auto anonymous = meminfo_bytes(status, "RssAnon"), file = meminfo_bytes(status, "RssFile");
  const auto peak = meminfo_bytes(status, "VmHWM");
  if (!anonymous || !file || !peak) return std::nullopt;
  return ProcessMemory{*anonymous, *file, *peak};
}

std::optional<ProcessMemory> process_memory() {
  std::ifstream in("/proc/self/status");
  return parse_process_memory(std::string(std::istreambuf_iterator<char>(in), {}));
}

}  // namespace lathe
