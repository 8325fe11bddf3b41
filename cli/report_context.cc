#include "report_context.h"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <cstring>
#include <set>

#include "platform/machine.h"
#include "tune/plan.h"
#include "tune/provider.h"

namespace lathe::cli {
namespace {

// The linker's build id of the first object of the process, which is the program: equal ids, equal binaries.
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
        for (unsigned j = 0; j < note.n_descsz && j < 8; ++j)
          *static_cast<std::string*>(out) += fmt::format("{:02x}", value[j]);
      at = value + (note.n_descsz + 3) / 4 * 4;
    }
  }
  return 1;  // the first object is enough
}

// Where the linker writes none, the kernels' table stands for the build.
std::string build_id() {
  std::string id;
  dl_iterate_phdr(read_build_id, &id);
  return id.empty() ? "table-" + tune::table_fingerprint(matmul::variants()) : id;
}

}  // namespace

probe::Context report_context(const probe::Report& report) {
  const Machine& machine = this_machine();
  probe::Context context;
  context.cpu = machine.cpu;
  context.signature = machine.signature;
  context.features = feature_names(machine.features);
  context.kernel = machine.kernel;
  context.threads_reason = report.ceilings.threads == machine.threads
                               ? machine.threads_reason
                               : fmt::format("asked for; {} recommended: {}", machine.threads, machine.threads_reason);
  context.version = LATHE_VERSION;
  context.build_id = build_id();
#ifdef __clang__
  context.compiler = "clang " __clang_version__;
#else
  context.compiler = "g++ " __VERSION__;
#endif
  context.flags = LATHE_CXX_FLAGS;
  std::set<std::string> names;
  for (const probe::Row& row : report.rows) names.insert(row.provider);
  names.erase("lathe");
  for (const std::string& name : names)
    if (const auto provider = tune::load_provider(name); provider)
      context.providers.emplace_back(name, (*provider)->version());
  return context;
}

}  // namespace lathe::cli
