// A model into a GGUF file, its matrices in another type.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "run/quantize_rules.h"

namespace lathe::run {

struct QuantizeOptions {
  std::string model, hub;  // as resolve_model takes them
  std::string output;      // the file
  QuantizeTypes types;
  int threads = 0;  // 0: what the machine recommends
  // Hears the temporary name under which the file is written.
  std::function<void(const std::string&)> writing;
  // How many values are done, of how many, and the name of the tensor at hand.
  std::function<void(int64_t done, int64_t total, std::string_view tensor)> progress;
};

struct QuantizeReport {
  int64_t source_bytes = 0, file_bytes = 0;
  int64_t values = 0, tensor_bytes = 0;
  std::vector<std::string> notes;
};

// The file is there whole or not at all. In memory is a piece of one tensor at a time.
Result<QuantizeReport> quantize(const QuantizeOptions& options);

}  // namespace lathe::run
