// Every tensor of a decoder, with its name in both kinds of files and what changes on the way between them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/decoder_config.h"
#include "tensor/shape.h"

namespace lathe::models {

struct DecoderTensor {
  std::string hugging_face, gguf;
  Shape shape;
  int64_t heads = 0;        // whose rows GGUF has as pairs side by side; 0: none
  bool norm = false;        // DecoderConfig::norm_offset is in GGUF's values
  bool transposed = false;  // Hugging Face has it as [in, out]; `shape` is GGUF's
};

// In the order in which a pass reads them. `prefix` stands before Hugging Face's names but the head's. `side_by_side`:
// the family's queries and keys are turned in GGUF.
std::vector<DecoderTensor> decoder_tensors(const DecoderConfig& config, const std::string& prefix, bool side_by_side);

}  // namespace lathe::models
