// What a training run goes on from, and the folder that it is kept in, whatever it learns from.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "lathe/status.h"
#include "run/index_lock.h"
#include "run/run_folder.h"
#include "run/train_settings.h"
#include "run/train_state.h"

namespace lathe::run {

struct ResumePoint {
  std::string checkpoint;          // whole, every byte of it
  std::string folder;              // the run's, that holds it
  std::vector<std::string> notes;  // a sentence for each later checkpoint that is not whole
};
// `resume` is a run's folder, of which it is the last checkpoint that is whole, or one checkpoint.
Result<ResumePoint> find_resume_point(const std::string& resume);

// Settings of the checkpoint at `path`, which has come to `state`. What the user named besides may only be what decides
// no bit of the weights; an error names what was asked and what the checkpoint has.
struct AskedSettings {
  const TrainSettings& settings;
  const std::set<std::string>& given;
};
Status adopt_settings(const AskedSettings& asked, const std::string& path, const TrainState& state, TrainSettings& kept,
                      std::vector<std::string>& notes);

struct RunPlace {
  RunFolder folder;
  bool in_place = false;  // the run goes on in the folder that holds its checkpoint
};
// Where the run is kept: the folder `output`, which is new, or that of the checkpoint. `from` is nullptr for a new run.
// In a new folder the best checkpoint is yet to come, and `state` says so.
Result<RunPlace> choose_run_folder(const std::string& output, const std::string& resume, const ResumePoint* from,
                                   TrainState& state);

// From here on the run is the only writer of its folder, which holds nothing behind `state`.
Result<IndexLock> begin_run_folder(const RunPlace& place, const TrainState& state);

std::string absolute_path(const std::string& path);  // without a slash at the end; empty: empty

}  // namespace lathe::run
