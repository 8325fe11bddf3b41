// What lathe train says where it cannot join other ranks; tests/mpi_equal.sh has the runs that can.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "shell.h"

namespace lathe::cli {
namespace {

TEST(TrainRanksCommand, AMissingPluginIsNamed) {
  const FakeFolder folder{"train_ranks_command"};
  std::filesystem::copy_file(LATHE_BINARY, folder.path("lathe"));  // with no plug-in beside it
  const std::string train = "\"" + folder.path("lathe") + "\" train --model stories260k --data x -o y";
  const auto openmpi = shell("OMPI_COMM_WORLD_SIZE=2 " + train), mpich = shell("PMI_SIZE=2 " + train);
  EXPECT_EQ(openmpi.exit, 1);
  EXPECT_NE(openmpi.err.find("Open MPI started this process, and lathe_mpi_openmpi.so"), std::string::npos)
      << openmpi.err;
  EXPECT_NE(openmpi.err.find("libopenmpi-dev"), std::string::npos) << openmpi.err;
  EXPECT_NE(mpich.err.find("MPICH started this process, and lathe_mpi_mpich.so"), std::string::npos) << mpich.err;
  // One rank needs no MPI, and comes to the data that are not there.
  for (const auto& alone : {shell("OMPI_COMM_WORLD_SIZE=1 " + train), shell("PMI_SIZE=2 " + train + " --ranks none")}) {
    EXPECT_EQ(alone.err.find("MPI"), std::string::npos) << alone.err;
    EXPECT_NE(alone.exit, 0);
  }
}

TEST(TrainRanksCommand, WrongWordsAreRefused) {
  const std::string train = "train --model stories260k --data x -o y ";
  EXPECT_NE(run_lathe(train + "--ranks slurm").err.find("needed: auto, none, openmpi or mpich"), std::string::npos);
  EXPECT_NE(run_lathe(train + "--reduce slow").err.find("--reduce is 'slow', needed: order or fast"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe::cli
