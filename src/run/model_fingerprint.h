// What a model's vectors depend on, as one short name: 64 hexadecimal digits over its configuration and its tokenizer
// in full, and its weights by length and 256 pages of 4 KiB spread over them. It takes about a millisecond, follows a
// copy of the model anywhere, and differs for any other training of the same shape.
#pragma once

#include <string>

#include "lathe/status.h"

namespace lathe::run {

Result<std::string> model_fingerprint(const std::string& model, const std::string& hub);

}  // namespace lathe::run
