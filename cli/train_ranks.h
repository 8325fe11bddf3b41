// The other ranks of a training run that mpirun started.
#pragma once

#include <memory>
#include <string>

#include "lathe/status.h"
#include "ranks/group.h"

namespace lathe::cli {

// Joins them. `choice` is auto (what started the process says it by its environment), none, openmpi or mpich. Nothing
// where the process is alone. From then on the loss of a rank ends the process, with a sentence.
Result<std::unique_ptr<ranks::Group>> join_ranks(const std::string& choice);

// How many threads each rank is to have where the user did not say: a share of the machine, where several ranks were
// started on it and mpirun bound none of them to CPUs of its own. 0: what is recommended to a process alone.
int threads_of_rank();

// Takes leave of the others, after `outcome`. Where any rank ended with an error this does not return: rank 0, or who
// knows better, has said why, and the processes of all are ended.
Status leave_ranks(ranks::Group& group, const Status& outcome);

}  // namespace lathe::cli
