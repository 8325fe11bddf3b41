// The one function of libsentencepiece_train that is used, found at run time.
#pragma once

#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe::run {

// `arguments` as spm_train takes them; gives back the bytes of the model. An error where the library is not there, or
// what it says.
Result<std::string> run_sentencepiece_trainer(std::string_view arguments);

}  // namespace lathe::run
