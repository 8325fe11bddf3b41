// A model into a GGUF file, its matrices in another type.
#pragma once

#include <functional>
#include <string>

#include "lathe/status.h"
#include "run/quantize_rules.h"
#include "run/tensor_stream.h"

namespace lathe::run {

struct QuantizeOptions {
  std::string model, hub{};  // as resolve_model takes them
  std::string output;        // the file
  QuantizeTypes types{};
  int threads = 0;  // 0: what the machine recommends
  // Hears the temporary name under which the file is written.
  std::function<void(const std::string&)> writing{};
  ExportProgress progress{};
};

// The file is there whole or not at all. In memory is a piece of one tensor at a time.
Result<ExportReport> quantize(const QuantizeOptions& options);

}  // namespace lathe::run
