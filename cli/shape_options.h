// One product on the command line: M N K and what it is made of, as explain, bench and probe take it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/matmul/matmul.h"
#include "lathe/status.h"

namespace lathe::cli {

struct ShapeOptions {
  std::vector<std::string> sizes;
  std::string w = "f32", a, c;
  std::string layout = "nk";
  std::string epilogue = "none";
  std::string batch = "1";
  bool unprepared = false;
};

void add_shape_options(CLI::App& command, ShapeOptions& options, bool required);
Result<matmul::Problem> problem_of(const ShapeOptions& options);

// What every measuring command takes. Text, so that "-1" and "x" get the sentence that names what is needed.
struct RunOptions {
  std::string threads = "0", seed = "1";
};
void add_run_options(CLI::App& command, RunOptions& options);
struct RunNumbers {
  int threads = 0;  // 0: what the machine recommends
  uint64_t seed = 1;
};
Result<RunNumbers> run_numbers(const RunOptions& options);

}  // namespace lathe::cli
