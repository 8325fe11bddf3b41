// A model, whatever its files are, as the GGUF file that it becomes: metadata and tensors, in the types they have.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "formats/gguf_metadata.h"
#include "formats/model_files.h"
#include "lathe/status.h"
#include "models/export_tensor.h"
#include "models/weight_files.h"

namespace lathe::models {

struct GgufExport {
  WeightFiles files{};      // that the tensors come from
  GgufMetadata metadata{};  // all but general.file_type and general.quantization_version, which the types decide
  int64_t layers = 0;       // 0: nobody knows
  std::vector<ExportTensor> tensors{};
  std::vector<std::string> notes{};  // what is left out, and why
  // Tensors that no file has, and their values.
  struct Made {
    std::vector<float> values;
    TensorView view;
  };
  std::deque<Made> made{};
};

// From a GGUF file everything as it stands, whatever its architecture; from a Hugging Face folder what llama.cpp's own
// converter writes, for the architectures that are known here.
Result<GgufExport> export_gguf(const ModelFiles& files);

}  // namespace lathe::models
