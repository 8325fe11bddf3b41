// A decoder's GGUF file as the Hugging Face folder that it was made of, as far as the file tells.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "formats/model_files.h"
#include "lathe/status.h"
#include "models/export_tensor.h"
#include "models/weight_files.h"

namespace lathe::models {

struct HfExport {
  WeightFiles files{};  // that the tensors come from
  std::vector<ExportTensor> tensors{};
  std::vector<std::pair<std::string, std::string>> texts{};  // files by name: config.json ...
  std::vector<std::string> notes{};                          // what the folder lacks, and why
};

// All tensors become `type`: F32, F16 or BF16; without it, what most of the file's matrices are, where that is one of
// them, else F16, which holds more of a quantised value than its blocks do. An error names an architecture that is none
// of those known here, or what config.json has no words for.
Result<HfExport> export_hugging_face(const ModelFiles& files, std::optional<DType> type);

}  // namespace lathe::models
