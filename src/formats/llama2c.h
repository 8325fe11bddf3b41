// The files of llama2.c: a checkpoint (version 0: seven numbers and f32 tensors without names) and the vocabulary that
// stands beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "platform/mapped_file.h"
#include "tensor/tensor_table.h"

namespace lathe {

struct Llama2cHeader {
  int64_t width = 0, intermediate = 0, layers = 0, heads = 0, kv_heads = 0, vocabulary = 0, positions = 0;
  bool tied = true;  // the head's weights are the embedding's; in the file: the vocabulary is negative where not
  int64_t head_dim() const { return width / heads; }
};

struct Llama2c {
  Llama2cHeader header;
  // By the names that Hugging Face gives them ("model.layers.0.self_attn.q_proj.weight"). Queries and keys are for
  // pairs that lie side by side.
  TensorTable tensors;

  // The tensors lead into `bytes`; `file` is named in errors.
  static Result<Llama2c> parse(std::span<const std::byte> bytes, std::string_view file);
};

struct Llama2cFile {
  MappedFile file;
  Llama2c content;
};
Result<Llama2cFile> open_llama2c(const std::string& path);

// Pieces and scores by id, as they stand in the file: words begin with a blank. Piece 0 is unknown, 1 begins a text, 2
// ends it, and the next 256 are bytes ("<0x0A>").
struct Llama2cVocabulary {
  std::vector<std::string_view> pieces;
  std::vector<float> scores;

  // All bytes are read as pieces; they lead into `bytes`.
  static Result<Llama2cVocabulary> parse(std::span<const std::byte> bytes, std::string_view file);
};

// The vocabulary's file beside a checkpoint with so many tokens: tok<vocabulary>.bin, else tokenizer.bin; an error says
// which were looked for.
Result<std::string> llama2c_tokenizer_beside(const std::string& checkpoint, int64_t vocabulary);

}  // namespace lathe
