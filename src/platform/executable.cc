#include "platform/executable.h"

#include <filesystem>
#include <system_error>

#if defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

namespace lathe {

Result<std::string> executable_path() {
  std::error_code error;
#if defined(__APPLE__)
  char name[4096];
  uint32_t size = sizeof name;
  if (_NSGetExecutablePath(name, &size) != 0) return io_error("the path of this program has more than 4095 bytes");
  const auto path = std::filesystem::canonical(name, error);
#else
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
#endif
  if (error) return io_error("cannot tell where this program lies: " + error.message());
  return path.string();
}

}  // namespace lathe
