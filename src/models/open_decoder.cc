#include "models/open_decoder.h"

#include "formats/hf_config.h"
#include "sample/recommended.h"
#include "sample/stop_tokens.h"

namespace lathe::models {

Result<DecoderFiles> DecoderFiles::open(const ModelFiles& files) {
  DecoderFiles opened;
  if (files.format != ModelFiles::Format::safetensors) {
    auto weights = WeightFiles::open(files);
    if (!weights) return weights.status();
    opened.weights_ = std::move(*weights);
    if (const Llama2c* llama2c = opened.weights_.llama2c()) {
      opened.config_ = decoder_config_of(llama2c->header);
      return opened;
    }
    const Gguf& gguf = *opened.weights_.gguf();
    auto config = read_decoder_gguf(gguf);
    if (!config) return config.status();
    opened.config_ = std::move(*config);
    return opened;
  }
  const auto json = HfConfig::open(files.config + "/config.json");
  if (!json) return json.status();
  auto config = read_decoder_config(*json);
  if (!config) return config.status();
  opened.config_ = std::move(*config);
  auto weights = WeightFiles::open(files);
  if (!weights) return weights.status();
  opened.weights_ = std::move(*weights);
  return opened;
}

Result<std::vector<int32_t>> DecoderFiles::stop_tokens(const tokenize::Tokenizer* tokenizer) const {
  if (const Gguf* gguf = weights_.gguf()) return sample::stop_tokens(*gguf, config_.vocabulary, tokenizer);
  if (weights_.llama2c() != nullptr) return sample::stop_tokens(config_.vocabulary, tokenizer);
  return sample::stop_tokens(weights_.files().config, config_.vocabulary, tokenizer);
}

Result<sample::SamplerOptions> DecoderFiles::recommended_sampling() const {
  const bool folder = weights_.gguf() == nullptr && weights_.llama2c() == nullptr;
  return folder ? sample::recommended(weights_.files().config) : sample::SamplerOptions{};
}

Result<chat::ChatTemplate> DecoderFiles::chat_template(const tokenize::Tokenizer& tokenizer) const {
  if (const Gguf* gguf = weights_.gguf()) return chat::ChatTemplate::load(*gguf, tokenizer);
  if (weights_.llama2c() != nullptr)
    return not_found(weights_.files().weights + ": a file of llama2.c has no chat template");
  return chat::ChatTemplate::load(weights_.files().config);
}

Result<std::unique_ptr<Decoder>> DecoderFiles::bind(StoredType stored, Team& team, ops::PackedStore* store) const {
  auto weights = DecoderWeights::bind(config_, tensors(), stored, &team, store);
  if (!weights) return weights.status();
  return std::make_unique<Decoder>(config_, std::move(*weights), team);
}

}  // namespace lathe::models
