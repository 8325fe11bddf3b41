// The files that make a tokenizer, as bytes: what a shard and a checkpoint carry with them.
#pragma once

#include <string>
#include <vector>

#include "formats/token_shard.h"
#include "lathe/status.h"
#include "models/weight_files.h"
#include "tokenize/tokenizer.h"

namespace lathe::run {

// From a file or a folder, as tokenize::Tokenizer::load takes it, or from a model in any format, a run's folder or a
// name in the cache `hub`; under the names that a Hugging Face folder has.
Result<std::vector<NamedFile>> read_tokenizer_files(const std::string& path, const std::string& hub = {});
// That of a model. Not found where it has none.
Result<std::vector<NamedFile>> read_tokenizer_files(const models::WeightFiles& model);

// `name` is what errors call their owner. An error where they make no tokenizer.
Result<tokenize::Tokenizer> tokenizer_of(const std::vector<NamedFile>& files, const std::string& name);

}  // namespace lathe::run
