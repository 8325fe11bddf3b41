#include "platform/executable.h"

#include <filesystem>
#include <system_error>

#if defined(__APPLE__)
#include <mach-o/dyld.h>
#elif defined(__linux__)
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include <cstring>
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

#if defined(__linux__)
namespace {

std::string hexadecimal(const unsigned char* bytes, size_t count) {
  std::string digits;
  for (size_t i = 0; i < count; ++i)
    for (const int digit : {bytes[i] >> 4, bytes[i] & 15}) digits += "0123456789abcdef"[digit];
  return digits;
}

// Of the first object of the process, which is the program.
int read_build_id(dl_phdr_info* info, size_t, void* out) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* at = reinterpret_cast<const unsigned char*>(info->dlpi_addr + segment.p_vaddr);
    const auto* end = at + segment.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const auto* name = at + sizeof note;
      const auto* value = name + (note.n_namesz + 3) / 4 * 4;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
        *static_cast<std::string*>(out) += hexadecimal(value, note.n_descsz < 8 ? note.n_descsz : 8);
      at = value + (note.n_descsz + 3) / 4 * 4;
    }
  }
  return 1;  // the first object is enough
}

}  // namespace

std::string build_id() {
  std::string id;
  dl_iterate_phdr(read_build_id, &id);
  return id;
}

std::string process_namespace() {
  char name[64] = {};
  return ::readlink("/proc/self/ns/pid", name, sizeof name - 1) < 0 ? std::string() : name;
}
#else
std::string build_id() { return {}; }
std::string process_namespace() { return "the only one"; }
#endif

}  // namespace lathe
