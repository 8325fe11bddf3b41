// lathe bench embed: what a model does with texts of several lengths, from texts to vectors.
#include "bench_embed.h"

#include <memory>

#include "base/shown.h"
#include "bench_embed_turns.h"
#include "hub_path.h"

namespace lathe::cli {
namespace {

struct BenchEmbedOptions {
  run::EmbedderOptions embedder;
  std::string dtype = "f32";
  bool interactive = false;
};

Result<matmul::Type> type_of(const std::string& name) {
  for (const matmul::Type type : {matmul::Type::f32, matmul::Type::bf16, matmul::Type::q8_0})
    if (matmul::type_name(type) == name) return type;
  return invalid_argument("--dtype is " + shown(name) + ", needed: one of f32, bf16, q8_0");
}

Status bench_embed(BenchEmbedOptions o) {
  const auto type = type_of(o.dtype);
  if (!type) return type.status();
  o.embedder.stored = *type;
  o.embedder.hub = hub_path();
  auto embedder = run::Embedder::open(o.embedder);
  if (!embedder) return embedder.status();
  return take_turns(*embedder);
}

}  // namespace

void add_bench_embed(CLI::App& bench, Command& chosen) {
  CLI::App* command = bench.add_subcommand("embed", "Time a model's embeddings, from texts to vectors");
  auto options = std::make_shared<BenchEmbedOptions>();
  command->add_option("-m,--model", options->embedder.model, "A model's folder or file, or its Hugging Face name")
      ->required();
  command->add_option("--dtype", options->dtype, "How weights are kept in memory: f32, bf16 or q8_0")
      ->capture_default_str();
  command->add_option("--threads", options->embedder.threads, "0: what the machine recommends")->capture_default_str();
  command->add_flag("--interactive", options->interactive, "Answer requests on standard input, one JSON a line")
      ->group("");
  command->callback([options, &chosen] { chosen = [options] { return bench_embed(*options); }; });
}

}  // namespace lathe::cli
