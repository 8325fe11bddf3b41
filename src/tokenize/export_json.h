// The vocabulary of a GGUF file as the tokenizer.json and tokenizer_config.json of a Hugging Face folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "tokenize/tokenizer.h"

namespace lathe::tokenize {

struct JsonExport {
  std::string tokenizer, config;
  std::vector<std::string> notes;  // what tokenizer.json has no words for
};

// Byte-level BPE (GGUF's gpt2) and SentencePiece's BPE (llama), whose merges are made of the scores as transformers
// makes them. `name` is the file's in errors; `chat_template` may be empty. An error says what kind the vocabulary is
// where it is another.
Result<JsonExport> export_json(std::string_view name, const GgufVocab& vocab, std::string_view chat_template);

}  // namespace lathe::tokenize
