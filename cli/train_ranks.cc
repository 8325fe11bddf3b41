#include "train_ranks.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/shown.h"
#include "commands.h"
#include "complain.h"
#include "platform/executable.h"
#include "platform/machine.h"
#include "ranks/mpi_transport.h"

namespace lathe::cli {
namespace {

// What each implementation's mpirun tells the processes that it starts. PMI_SIZE is Hydra's, MPICH's own mpirun.
struct Launcher {
  ranks::Mpi mpi;
  const char *name, *size, *size_on_host;
};
constexpr Launcher kLaunchers[] = {
    {ranks::Mpi::openmpi, "openmpi", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {ranks::Mpi::mpich, "mpich", "PMI_SIZE", "MPI_LOCALNRANKS"}};

int count_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::atoi(text);
}

// One rank is no group: it needs no MPI.
Result<std::optional<ranks::Mpi>> chosen(const std::string& choice) {
  std::optional<ranks::Mpi> none;
  if (choice == "none") return none;
  for (const Launcher& each : kLaunchers)
    if (choice == each.name || (choice == "auto" && count_in(each.size) > 1)) return std::optional(each.mpi);
  if (choice == "auto") return none;
  return invalid_argument("--ranks is " + shown(choice) + ", needed: auto, none, openmpi or mpich");
}

Result<std::vector<std::string>> plugin_folders() {
  const auto program = executable_path();
  if (!program) return program.status();
  const std::filesystem::path folder = std::filesystem::path(*program).parent_path();
  return std::vector<std::string>{folder.string(), (folder / LATHE_MPI_FOLDER).lexically_normal().string()};
}

}  // namespace

Result<std::unique_ptr<ranks::Group>> join_ranks(const std::string& choice) {
  const auto mpi = chosen(choice);
  if (!mpi) return mpi.status();
  if (!*mpi) return std::unique_ptr<ranks::Group>();
  const auto folders = plugin_folders();
  if (!folders) return folders.status();
  auto transport = ranks::open_mpi(**mpi, *folders);
  if (!transport) return transport.status();
  ranks::Group::Options options;
  options.lost = [t = transport->get()](const std::string& why) {
    complain(why);
    t->abort(kExitFailure);
    std::_Exit(kExitFailure);
  };
  return ranks::Group::create(std::move(*transport), std::move(options));
}

int threads_of_rank() {
  const Machine& machine = this_machine();
  if (static_cast<int>(machine.allowed_cpus.size()) < machine.logical_cpus) return 0;
  for (const Launcher& each : kLaunchers)
    if (const int here = count_in(each.size_on_host); here > 1) return std::max(1, machine.threads / here);
  return 0;
}

Status leave_ranks(ranks::Group& group, const Status& outcome) {
  if (group.leave(outcome.message())) return group.end();
  if (group.rank() == 0 || !group.first_has_spoken()) {
    complain(outcome.ok() ? "another rank has ended with an error of its own" : outcome.message());
  } else {
    std::this_thread::sleep_for(std::chrono::seconds(2));  // rank 0 speaks, and ends this process too
  }
  std::fflush(nullptr);
  group.abort(exit_code(outcome.ok() ? failed("") : outcome));
}

}  // namespace lathe::cli
