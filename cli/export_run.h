// What lathe quantize and lathe convert share: a model that becomes a GGUF file, with a bar while it does.
#pragma once

#include <functional>
#include <string>

#include "base/dtype.h"
#include "commands.h"
#include "lathe/status.h"
#include "run/quantize.h"

namespace lathe::cli {

struct ExportOptions {
  std::string model, output;
  int threads = 0;
  bool quiet = false;
};

// IN, OUT (of which `what` says what it is), --threads and --quiet.
void add_export_options(CLI::App& command, ExportOptions& options, const std::string& what);

constexpr const char* kWeightTypeNames = "q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k, f16, bf16 or f32";
Result<DType> weight_type(const std::string& name, const char* option);

// The sizes before and after, and what there is to say about the way between.
void print_report(const run::ExportReport& report, const std::string& output);

// Calls write for a report, with a bar while it writes and the figures behind it. `writing` hears the name of the file
// that a signal removes.
using WriteFile = std::function<Result<run::ExportReport>(const std::function<void(const std::string&)>& writing,
                                                          const run::ExportProgress& progress)>;
Status write_with_progress(const ExportOptions& options, const WriteFile& write);
Status write_gguf(const ExportOptions& options, const run::QuantizeTypes& types);

}  // namespace lathe::cli
