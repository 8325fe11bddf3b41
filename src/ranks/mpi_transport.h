// The transport of an MPI implementation, through its plug-in.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lathe/status.h"
#include "ranks/transport.h"

namespace lathe::ranks {

enum class Mpi : uint8_t { openmpi, mpich };
const char* mpi_name(Mpi mpi);  // "Open MPI", "MPICH"

// Opens the plug-in of `mpi`, which lies in one of `folders`, and starts MPI. The error names what is missing.
Result<std::unique_ptr<Transport>> open_mpi(Mpi mpi, const std::vector<std::string>& folders);

}  // namespace lathe::ranks
