// A GGUF file into a Hugging Face folder.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/dtype.h"
#include "lathe/status.h"
#include "run/tensor_stream.h"

namespace lathe::run {

struct HfFolderOptions {
  std::string model, hub{};     // as resolve_model takes them
  std::string output;           // a folder that is empty or not there
  std::optional<DType> type{};  // F32, F16 or BF16; none: what the file has, F16 for quantised matrices
  int64_t shard_bytes = 0;      // 0: as Hugging Face has it
  int threads = 0;
  ExportProgress progress{};
};

// What fails leaves no file behind.
Result<ExportReport> write_hugging_face(const HfFolderOptions& options);

}  // namespace lathe::run
