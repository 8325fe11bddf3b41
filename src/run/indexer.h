// Files to an index: found, cut into chunks, embedded where they are new, written whole.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "formats/index_file.h"
#include "run/chunker.h"
#include "run/embedder.h"
#include "run/text_files.h"

namespace lathe::run {

struct IndexOptions {
  std::string index{};
  std::vector<std::string> paths{};
  EmbedderOptions embedder{};
  IndexStore store = IndexStore::f32;
  ChunkLimits chunks{};
  FileFilter filter{};
  bool rebuild = false;                     // whatever an index that is there was made with
  const std::atomic<bool>* stop = nullptr;  // looked at between passes: the index that is there stays as it is
  std::function<void(int64_t done, int64_t total, int64_t tokens)> progress{};  // chunks embedded
};

struct IndexReport {
  std::vector<std::string> added, changed, removed, skipped;  // paths; `skipped` with the reason
  int64_t files = 0, kept = 0;                                // files in the index, and those that did not change
  int64_t chunks = 0, embedded = 0, tokens = 0;
  int64_t bytes = 0;  // of the index
  IndexStore store = IndexStore::f32;
  int64_t dim = 0;
  double load_s = 0, embed_s = 0, write_s = 0;
  bool written = false;  // false: nothing had changed
};

// After it the index holds what `paths` hold now. A file whose content is in the index already keeps its vectors,
// wherever it lies now; the others are embedded. An index of another model or other options is an error.
Result<IndexReport> build_index(const IndexOptions& options);

}  // namespace lathe::run
