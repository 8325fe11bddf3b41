#include "run/verify.h"

#include <filesystem>

#include "models/weight_files.h"
#include "run/golden.h"

namespace lathe::run {
namespace {

Check failed_check(std::string name, const Status& status) {
  return {std::move(name), Check::Outcome::failed, status.message(), {}};
}

Check absent(std::string name, std::string detail) {
  return {std::move(name), Check::Outcome::absent, std::move(detail), {}};
}

// GGUF and llama2.c: a file of weights, and maybe one of the vocabulary.
void verify_one_file(const ModelFiles& files, const std::function<void(const Check&)>& each) {
  const auto file = models::WeightFiles::open(files);
  if (!file) return each(failed_check("files", file.status()));
  const auto tokenizer = file->tokenizer();
  each(tokenizer.ok() ? check_tokenizer(*tokenizer) : failed_check("tokenizer", tokenizer.status()));
  each(check_weights(file->tensors()));
}

void verify_safetensors(const ModelFiles& files, const std::function<void(const Check&)>& each) {
  const auto tokenizer = tokenize::Tokenizer::load(files.config);
  each(tokenizer.ok() ? check_tokenizer(*tokenizer) : failed_check("tokenizer", tokenizer.status()));
  const auto file = open_safetensors(files.weights);
  each(file.ok() ? check_weights(file->tensors) : failed_check("weights", file.status()));
  const auto modules = open_sentence_transformer(files.folder);
  if (!modules) return each(failed_check("modules", modules.status()));
  if (!*modules) return;
  for (const DenseLayer& layer : (*modules)->dense) {
    Check check = check_weights(layer.file.tensors);
    check.name = "weights of a dense module";
    each(check);
  }
}

}  // namespace

std::string_view outcome_name(Check::Outcome outcome) {
  switch (outcome) {
    case Check::Outcome::passed:
      return "passed";
    case Check::Outcome::failed:
      return "failed";
    case Check::Outcome::not_supported:
      return "not_supported";
    case Check::Outcome::absent:
      return "absent";
  }
  return "";
}

Status verify_model(const VerifyOptions& options, const std::function<void(const Check&)>& each) {
  const auto files = resolve_model(options.model, options.hub);
  if (!files) return files.status();
  const std::string golden = options.golden.empty() ? files->folder + "/" + std::string(kGoldenFile) : options.golden;
  std::error_code error;
  const bool has_golden = std::filesystem::exists(golden, error);
  if (!has_golden && !options.golden.empty()) return not_found(golden + ": there is no such file");

  files->format == ModelFiles::Format::safetensors ? verify_safetensors(*files, each) : verify_one_file(*files, each);
  EmbedderOptions embedder;
  embedder.model = options.model;
  embedder.hub = options.hub;
  embedder.threads = options.threads;
  // What cannot be opened says so once.
  if (const auto opened = Embedder::open(embedder); !opened.ok()) {
    Check check = failed_check("vectors", opened.status());
    if (opened.status().code() == Code::unsupported) check.outcome = Check::Outcome::not_supported;
    each(check);
    return {};
  }
  each(check_determinism(embedder));
  each(check_stored(embedder, matmul::Type::bf16));
  each(check_stored(embedder, matmul::Type::q8_0));
  each(check_stored(embedder, matmul::Type::q8_a7));
  each(check_stored(embedder, matmul::Type::bf16_b16));
  each(has_golden ? check_golden(embedder, golden)
                  : absent("golden vectors", "there is no " + golden + "; tools/make_golden.py writes one"));
  return {};
}

}  // namespace lathe::run
