// The model of a checkpoint as a Hugging Face folder of its own: what the checkpoint holds without what training needs.
#pragma once

#include <string>

#include "lathe/status.h"

namespace lathe::run {

// `output` is a new or an empty folder. Gives back the bytes copied. After an error nothing is left.
Result<int64_t> copy_hugging_face(const std::string& checkpoint, const std::string& output);

// What a user calls a trained model: a checkpoint's folder, or a run's, of which it is the best, else the last whole
// one.
Result<std::string> trained_model(const std::string& path);

}  // namespace lathe::run
