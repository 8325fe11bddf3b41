// Which files of a model's repository lathe and the Python tools need.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lathe/status.h"

namespace lathe::hub {

// Fetches a small file that decides on others, and returns where it lies now.
using FetchGuide = std::function<Result<std::string>(const std::string& path)>;

// The configuration, the tokenizer, and the weights as safetensors, of the model and of each folder that modules.json
// names; where there are no safetensors, the one GGUF file. Weights in other forms (PyTorch, ONNX, ...) are left. An
// error where there is nothing that lathe reads, or more than one choice. `paths` is sorted, and so is what comes back.
Result<std::vector<std::string>> choose_files(std::span<const std::string> paths, const FetchGuide& fetch);

// The files whose path, or whose name alone, one of the patterns (*, ?, [...]) matches; a pattern that matches none is
// an error.
Result<std::vector<std::string>> match_files(std::span<const std::string> paths, std::span<const std::string> patterns);

}  // namespace lathe::hub
