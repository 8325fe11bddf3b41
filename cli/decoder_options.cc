#include "decoder_options.h"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "cache_path.h"
#include "default_model.h"
#include "generate_types.h"
#include "hub_path.h"
#include "named.h"
#include "size_option.h"

namespace lathe::cli {
namespace {

constexpr std::pair<std::string_view, ops::Dispatch> kDispatches[] = {
    {"op", ops::Dispatch::op}, {"layer", ops::Dispatch::layer}, {"model", ops::Dispatch::model}};

}  // namespace

Result<DecoderPlan> decoder_plan(const DecoderOptions& options) {
  DecoderPlan plan{options.generator, ops::Dispatch::model};
  run::GeneratorOptions& g = plan.generator;
  g.hub = hub_path();
  g.cache = cache_options(options.cache);
  const auto stored = named(options.dtype, "--dtype", kGenerateTypes);
  if (!stored) return stored.status();
  g.stored = *stored;
  const auto kv = named(options.kv, "--kv", kKvTypes);
  if (!kv) return kv.status();
  g.cache_type = *kv;
  const auto dispatch = named(options.dispatch, "--dispatch", kDispatches);
  if (!dispatch) return dispatch.status();
  plan.dispatch = *dispatch;
  if (!options.kv_memory.empty()) {
    const auto bytes = parse_size(options.kv_memory, "--kv-memory");
    if (!bytes) return bytes.status();
    g.cache_bytes = *bytes;
  }
  if (g.model.empty()) {
    auto shipped = shipped_model(kDefaultDecoder);
    if (!shipped) return shipped.status();
    g.model = std::move(*shipped);
    fmt::print(stderr,
               "lathe: no -m, so the model that comes with lathe goes on: a million weights that have read "
               "Shakespeare, letter by letter.\n");
  }
  return plan;
}

Result<std::unique_ptr<run::Generator>> open_decoder(const DecoderPlan& plan) {
  auto generator = run::Generator::open(plan.generator);
  if (generator) (*generator)->decoder().set_dispatch(plan.dispatch);
  return generator;
}

void add_model_option(CLI::App& command, DecoderOptions& options, bool or_shipped) {
  const std::string what =
      "A model's folder or file (safetensors, GGUF, llama2.c), or its name in the Hugging Face cache";
  command
      .add_option("-m,--model", options.generator.model,
                  or_shipped ? what + "; without it, the small one that comes with lathe" : what)
      ->required(!or_shipped)
      ->type_name("MODEL");
}

void add_resource_options(CLI::App& command, DecoderOptions& options, const char* context) {
  const auto add = [&command](const char* name, auto& value, const char* what, const char* type) {
    return command.add_option(name, value, what)->group("Resources")->type_name(type);
  };
  add("--dtype", options.dtype, kGenerateTypesHelp, "TYPE")->capture_default_str();
  add("--kv", options.kv, "How keys and values are kept: f16, bf16, f32 or q8_0", "TYPE")->capture_default_str();
  add("--kv-memory", options.kv_memory, "What keys and values may take, as 512M or 2G; without it, no limit", "SIZE");
  add("--context", options.generator.context, context, "N")->capture_default_str();
  add("--prompt-tokens", options.generator.prompt_tokens, "Tokens of the prompt that share a pass", "N")
      ->capture_default_str();
  add("--threads", options.generator.threads, "0: what the machine recommends", "N")->capture_default_str();
  add("--dispatch", options.dispatch, "The team enters once for each op, layer or pass (model)", "WAY")
      ->capture_default_str();
  add_cache_option(command, options.cache);
}

void add_guess_option(CLI::App& command, DecoderOptions& options) {
  command
      .add_option("--guess", options.guess,
                  "Tokens that a pass guesses from what stood before: faster where a text repeats itself, the same "
                  "text always; 0: none")
      ->group("Resources")
      ->type_name("N")
      ->capture_default_str();
}

}  // namespace lathe::cli
