#include "sample/stop_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "formats/hf_config.h"

namespace lathe::sample {
namespace {

// Of ChatML, Llama 3, Gemma, Phi and GPT-2's descendants.
constexpr const char* kEndsOfTurn[] = {"<|im_end|>",    "<|eot_id|>", "<|eom_id|>",
                                       "<end_of_turn>", "<|end|>",    "<|endoftext|>"};

std::vector<int32_t> sorted(std::vector<int32_t> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

// A number or a list of them at `key`; none where it is absent.
Result<std::vector<int32_t>> ids_at(const Fields& fields, const std::string& key,
                                    const tokenize::Tokenizer& tokenizer) {
  const IntRange range{0, tokenizer.vocab_size() - 1};
  if (!fields.has(key)) return std::vector<int32_t>{};
  if (std::holds_alternative<Composite>(fields.at(key))) {
    const auto ids = fields.require_ints(key, range);
    if (!ids) return ids.status();
    return std::vector<int32_t>(ids->begin(), ids->end());
  }
  const auto id = fields.require_int(key, range);
  if (!id) return id.status();
  return std::vector<int32_t>{static_cast<int32_t>(*id)};
}

}  // namespace

Result<std::vector<int32_t>> stop_tokens(const std::string& folder, const tokenize::Tokenizer& tokenizer) {
  for (const char* name : {"generation_config.json", "config.json"}) {
    const std::string path = (std::filesystem::path(folder) / name).string();
    if (!std::filesystem::exists(path)) continue;
    const auto config = HfConfig::open(path);
    if (!config) return config.status();
    for (const char* key : {"eos_token_id", "text_config.eos_token_id"}) {
      auto ids = ids_at(*config, key, tokenizer);
      if (!ids || !ids->empty()) return ids ? Result(sorted(std::move(*ids))) : ids;
    }
  }
  const int32_t eos = tokenizer.special().eos;
  return eos < 0 ? std::vector<int32_t>{} : std::vector<int32_t>{eos};
}

Result<std::vector<int32_t>> stop_tokens(const Fields& gguf, const tokenize::Tokenizer& tokenizer) {
  std::vector<int32_t> all;
  for (const char* name : {"eos", "eot", "eom"}) {
    const auto ids = ids_at(gguf, fmt::format("tokenizer.ggml.{}_token_id", name), tokenizer);
    if (!ids) return ids.status();
    all.insert(all.end(), ids->begin(), ids->end());
  }
  for (const char* name : kEndsOfTurn)
    if (const int32_t id = tokenizer.id_of(name); tokenizer.is_special(id)) all.push_back(id);
  return sorted(std::move(all));
}

}  // namespace lathe::sample
