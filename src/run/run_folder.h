// The folder of a training run: checkpoints step-00000100 ..., the link best to one of them, and the log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/status.h"

namespace lathe::run {

class RunFolder {
 public:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string checkpoint_path(int64_t step) const;  // RUN/step-00000100
  std::string best_path() const { return path_ + "/best"; }

  std::vector<int64_t> steps() const;  // that there are folders of, ascending; nothing is verified
  // The step that the link leads to; 0: there is none.
  int64_t best() const;
  Status set_best(int64_t step) const;  // in one go: readers see the old link or the new one
  // Removes all but the last `keep` and the best.
  void prune(int64_t keep) const;
  // Those of later steps, which are not whole, are renamed, so that they count as none.
  void set_aside_after(int64_t step) const;

  struct Latest {
    std::string path;
    int64_t step = 0;
    std::vector<std::string> skipped;  // a sentence for each later one that is not whole
  };
  // The last checkpoint that is whole, every byte of it.
  Result<Latest> latest() const;

 private:
  std::string path_;
};

}  // namespace lathe::run
