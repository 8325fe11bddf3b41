// The tokenizer of a Hugging Face folder as the tokenizer.ggml.* fields of a GGUF file, as llama.cpp's converter writes
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lathe/status.h"
#include "tokenize/tokenizer.h"

namespace lathe::tokenize {

// GGUF's numbers for kinds of tokens.
enum GgufTokenType : int32_t { kNormalToken = 1, kUnknownToken, kControlToken, kUserToken, kUnusedToken, kByteToken };

// As GgufVocab, with memory of its own.
struct VocabExport {
  std::string model, pre;
  std::vector<std::string> tokens;
  std::vector<int32_t> token_types;
  std::vector<float> scores;        // of llama
  std::vector<std::string> merges;  // of gpt2
  SpecialIds special;
  bool add_bos = false, add_eos = false;
  std::optional<bool> add_space_prefix;
  std::vector<std::string> notes;  // what GGUF has no words for
};

// From tokenizer.json, or vocab.json with merges.txt: byte-level BPE, and BPE made of SentencePiece; or else from
// tokenizer.model, SentencePiece's own BPE. An error says what kind it is where it is another.
Result<VocabExport> export_vocab(const std::string& folder);

}  // namespace lathe::tokenize
