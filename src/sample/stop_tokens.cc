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

// With the tokenizer's ends of a turn; each once, ascending.
std::vector<int32_t> completed(std::vector<int32_t> ids, int64_t vocabulary, const tokenize::Tokenizer* tokenizer) {
  if (tokenizer != nullptr)
    for (const char* name : kEndsOfTurn)
      if (const int32_t id = tokenizer->id_of(name); tokenizer->is_special(id) && id < vocabulary) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

// A number or a list of them at `key`; none where it is absent.
Result<std::vector<int32_t>> ids_at(const Fields& fields, const std::string& key, int64_t vocabulary) {
  const IntRange range{0, vocabulary - 1};
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

Result<std::vector<int32_t>> stop_tokens(const std::string& folder, int64_t vocabulary,
                                         const tokenize::Tokenizer* tokenizer) {
  for (const char* name : {"generation_config.json", "config.json"}) {
    const std::string path = (std::filesystem::path(folder) / name).string();
    if (std::error_code error; !std::filesystem::exists(path, error)) continue;
    const auto config = HfConfig::open(path);
    if (!config) return config.status();
    for (const char* key : {"eos_token_id", "text_config.eos_token_id"}) {
      auto ids = ids_at(*config, key, vocabulary);
      if (!ids) return ids;
      if (!ids->empty()) return completed(std::move(*ids), vocabulary, tokenizer);
    }
  }
  return stop_tokens(vocabulary, tokenizer);
}

Result<std::vector<int32_t>> stop_tokens(const Fields& gguf, int64_t vocabulary, const tokenize::Tokenizer* tokenizer) {
  std::vector<int32_t> all;
  for (const char* name : {"eos", "eot", "eom"}) {
    const auto ids = ids_at(gguf, fmt::format("tokenizer.ggml.{}_token_id", name), vocabulary);
    if (!ids) return ids.status();
    all.insert(all.end(), ids->begin(), ids->end());
  }
  return completed(std::move(all), vocabulary, tokenizer);
}

std::vector<int32_t> stop_tokens(int64_t vocabulary, const tokenize::Tokenizer* tokenizer) {
  const int32_t eos = tokenizer == nullptr ? -1 : tokenizer->special().eos;
  return completed(eos < 0 || eos >= vocabulary ? std::vector<int32_t>{} : std::vector{eos}, vocabulary, tokenizer);
}

}  // namespace lathe::sample
