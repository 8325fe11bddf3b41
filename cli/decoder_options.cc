#include "decoder_options.h"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "cache_path.h"
#include "default_model.h"
#include "device_option.h"
#include "generate_types.h"
#include "hub_path.h"
#include "named.h"
#include "progress.h"
#include "size_option.h"

namespace lathe::cli {
namespace {

constexpr std::pair<std::string_view, ops::Dispatch> kDispatches[] = {
    {"op", ops::Dispatch::op}, {"layer", ops::Dispatch::layer}, {"model", ops::Dispatch::model}};

// What the CPU has and a device has not.
Status check_device_options(const DecoderOptions& o) {
  if (o.guess.value_or(0) > 0)
    return invalid_argument(
        fmt::format("--guess {} with --device {}: a device guesses no tokens, needed: 0", *o.guess, o.device));
  if (!o.kv_memory.empty())
    return invalid_argument(fmt::format(
        "--kv-memory with --device {}: a device takes keys and values as long as it has room, needed: --context as the "
        "limit of a text",
        o.device));
  return {};
}

}  // namespace

Result<ops::KvType> kv_type(const std::string& name, bool on_device) {
  const auto type = named(name.empty() ? (on_device ? "f32" : "f16") : name, "--kv", kKvTypes);
  if (type && on_device && *type != ops::KvType::f32)
    return invalid_argument("--kv is " + name + " with a device, needed: f32, which is all that its attention reads");
  return type;
}

Result<DecoderPlan> decoder_plan(const DecoderOptions& options) {
  DecoderPlan plan{options.generator};
  run::GeneratorOptions& g = plan.generator;
  g.hub = hub_path();
  g.cache = cache_options(options.cache);
  const auto stored = named(options.dtype, "--dtype", kGenerateTypes);
  if (!stored) return stored.status();
  g.stored = *stored;
  if (Status status = set_device(options.device, g); !status.ok()) return status;
  if (g.device)
    if (Status status = check_device_options(options); !status.ok()) return status;
  const auto kv = kv_type(options.kv, g.device.has_value());
  if (!kv) return kv.status();
  g.cache_type = *kv;
  const auto dispatch = named(options.dispatch, "--dispatch", kDispatches);
  if (!dispatch) return dispatch.status();
  g.dispatch = *dispatch;
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
  Progress progress;
  run::GeneratorOptions options = plan.generator;
  options.uploaded = [&progress](int64_t done, int64_t total) { progress.show_bytes(done, total, "to the device"); };
  auto generator = run::Generator::open(options);
  progress.clear();
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
  add("--kv", options.kv, "How keys and values are kept: f16 (what is without it), bf16, f32 or q8_0", "TYPE");
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
      ->default_str(std::to_string(DecoderOptions::kUsualGuess));
}

void add_decoder_device(CLI::App& command, DecoderOptions& options) {
  add_device_option(command, options.device)->group("Resources");
}

}  // namespace lathe::cli
