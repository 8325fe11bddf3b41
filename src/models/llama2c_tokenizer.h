// The tokenizer that a vocabulary of llama2.c describes: SentencePiece's BPE with byte fallback.
#pragma once

#include <cstdint>
#include <string>

#include "formats/llama2c.h"
#include "tokenize/export_json.h"
#include "tokenize/tokenizer.h"

namespace lathe::models {

Result<tokenize::Tokenizer> tokenizer_of(const Llama2cVocabulary& vocabulary, const std::string& file);

// Of the vocabulary's file beside a checkpoint with so many tokens. An error where it has another number of them.
Result<tokenize::Tokenizer> open_llama2c_tokenizer(const std::string& checkpoint, int64_t vocabulary);
// The same as the files of a Hugging Face folder.
Result<tokenize::JsonExport> llama2c_tokenizer_json(const std::string& checkpoint, int64_t vocabulary);

}  // namespace lathe::models
