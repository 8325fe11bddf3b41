// The options of commands that run a decoder: which model, and what it may use.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "run/generator.h"

namespace lathe::cli {

struct DecoderOptions {
  run::GeneratorOptions generator;
  std::string dtype = "auto", kv, kv_memory, cache, dispatch = "model", device = "cpu";
  std::optional<int64_t> guess;

  // Tokens that a pass may guess.
  int64_t guesses() const { return guess.value_or(kUsualGuess); }
  static constexpr int64_t kUsualGuess = 3;
};

// `or_shipped`: it may be left out, for the model that comes with lathe.
void add_model_option(CLI::App& command, DecoderOptions& options, bool or_shipped);
// `context` is what --context says of itself.
void add_resource_options(CLI::App& command, DecoderOptions& options,
                          const char* context = "Tokens of prompt and answer; 0: what the model takes");

// Of commands that answer one text at a time.
void add_guess_option(CLI::App& command, DecoderOptions& options);
// Of commands whose passes a device can compute.
void add_decoder_device(CLI::App& command, DecoderOptions& options);

// What the options say, checked before anything is read.
struct DecoderPlan {
  run::GeneratorOptions generator;
};
// Keys and values as --kv names them: without a name f16, on a device f32.
Result<ops::KvType> kv_type(const std::string& name, bool on_device);
Result<DecoderPlan> decoder_plan(const DecoderOptions& options);
Result<std::unique_ptr<run::Generator>> open_decoder(const DecoderPlan& plan);

}  // namespace lathe::cli
