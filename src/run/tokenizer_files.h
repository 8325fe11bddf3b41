// The files that make a tokenizer, as bytes: what a shard and a checkpoint carry with them.
#pragma once

#include <string>
#include <vector>

#include "formats/token_shard.h"
#include "lathe/status.h"
#include "tokenize/tokenizer.h"

namespace lathe::run {

// From a file or a folder, as tokenize::Tokenizer::load takes it, under the names that a Hugging Face folder has.
Result<std::vector<NamedFile>> read_tokenizer_files(const std::string& path);

// `name` is what errors call their owner. An error where they make no tokenizer.
Result<tokenize::Tokenizer> tokenizer_of(const std::vector<NamedFile>& files, const std::string& name);

}  // namespace lathe::run
