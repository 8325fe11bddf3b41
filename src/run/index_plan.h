// What a run of the indexer has to do: each file with its chunks, taken from the old index or cut anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "run/indexer.h"

namespace lathe::run {

struct PlannedFile {
  FoundFile found;
  std::string sha256;
  int64_t old_file = -1;            // of the old index, whose chunks are this file's; -1: there is none
  std::string content{};            // where it is new
  std::vector<TextChunk> chunks{};  // where it is new; cut by the indexer once the model is open
};

struct IndexPlan {
  std::vector<PlannedFile> files;
  IndexReport report;
  bool same = false;  // as the old index, file for file
};

// Reads and hashes every file.
Result<IndexPlan> plan_index(const IndexOptions& options, const IndexFile* old);

}  // namespace lathe::run
