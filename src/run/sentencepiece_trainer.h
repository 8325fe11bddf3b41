// The one function of libsentencepiece_train that is used, found at run time.
#pragma once

#include <string>
#include <unordered_map>

#include "lathe/status.h"

namespace lathe::run {

using SentencePieceOptions = std::unordered_map<std::string, std::string>;

// `options` as spm_train has them, without their dashes; gives back the bytes of the model. An error where the library
// is not there, or what it says.
Result<std::string> run_sentencepiece_trainer(const SentencePieceOptions& options);

}  // namespace lathe::run
