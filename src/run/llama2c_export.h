// A Llama model of a Hugging Face folder as the checkpoint that llama2.c runs, version 0, with its vocabulary beside it
// where the tokenizer is one that llama2.c can run.
#pragma once

#include <string>

#include "lathe/status.h"
#include "run/tensor_stream.h"

namespace lathe::run {

struct Llama2cExportOptions {
  std::string model;   // the folder
  std::string output;  // the file; tokenizer.bin comes to lie beside it
  int threads = 0;
  std::function<void(const std::string&)> writing{};  // hears the temporary name
  ExportProgress progress{};
};

// An error names what llama2.c has no word for.
Result<ExportReport> export_llama2c(const Llama2cExportOptions& options);

}  // namespace lathe::run
