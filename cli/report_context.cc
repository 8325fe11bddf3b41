#include "report_context.h"

#include <fmt/format.h>

#include <set>

#include "platform/executable.h"
#include "platform/machine.h"
#include "tune/plan.h"
#include "tune/provider.h"

namespace lathe::cli {
namespace {

// Where the linker writes none, the kernels' table stands for the build.
std::string name_of_build() {
  const std::string id = build_id();
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
  context.build_id = name_of_build();
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
