// What the files of a model hold, for people: lathe inspect model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "formats/gguf.h"
#include "formats/llama2c.h"
#include "formats/model_files.h"
#include "formats/safetensors.h"
#include "formats/sentence_transformer.h"
#include "lathe/status.h"
#include "tensor/tensor_view.h"

namespace lathe {

struct DTypeTotal {
  DType dtype = DType::f32;
  int64_t tensors = 0, elements = 0, bytes = 0;
};

struct TensorLine {
  const TensorView* view = nullptr;  // within the summary
  std::string folder;                // where it is not the model's own: "2_Dense/"
};

struct ModelSummary {
  std::string path, format;  // the weights; "safetensors", "GGUF 3" or "llama2.c"
  int64_t files = 1, file_bytes = 0;
  std::string architecture;                            // empty where nothing says it
  std::vector<std::pair<std::string, int64_t>> sizes;  // "layers", 6: those that the configuration has
  std::string tokenizer;                               // the file, or what GGUF calls it; empty where there is none
  int64_t tokens = 0;                                  // in GGUF's vocabulary; 0 where it has none
  std::vector<std::pair<std::string, std::string>> pipeline;  // "pooling", "mean": what sentence-transformers adds
  std::vector<std::string> notes;                             // what could not be read beside the weights, and why
  std::vector<TensorLine> tensors;                            // in the order of the file
  std::vector<DTypeTotal> by_dtype;                           // largest first
  int64_t parameters = 0, tensor_bytes = 0;

  // What the lines lead into: one of the first three is there.
  std::optional<Safetensors> safetensors;
  std::optional<GgufFile> gguf;
  std::optional<Llama2cFile> llama2c;
  std::optional<SentenceTransformer> extras;
};

Result<ModelSummary> summarize_model(const ModelFiles& files);

}  // namespace lathe
