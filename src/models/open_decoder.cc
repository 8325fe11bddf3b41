#include "models/open_decoder.h"

#include <filesystem>
#include <string>

#include "formats/hf_config.h"

namespace lathe::models {

// Adds a number or an array of numbers; none where the field is absent.
Status DecoderFiles::read_end_ids(const Fields& fields, const std::string& key) {
  if (!fields.has(key)) return {};
  const IntRange ids{0, config_.vocabulary - 1};
  if (std::holds_alternative<int64_t>(fields.at(key))) {
    const auto id = fields.require_int(key, ids);
    if (!id) return id.status();
    end_ids_.push_back(static_cast<int32_t>(*id));
    return {};
  }
  const auto list = fields.require_ints(key, ids);
  if (!list) return list.status();
  end_ids_.insert(end_ids_.end(), list->begin(), list->end());
  return {};
}

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
    for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"})  // of a text, of a turn
      if (Status status = opened.read_end_ids(gguf, key); !status.ok()) return status;
    return opened;
  }
  const auto json = HfConfig::open(files.config + "/config.json");
  if (!json) return json.status();
  auto config = read_decoder_config(*json);
  if (!config) return config.status();
  opened.config_ = std::move(*config);
  if (Status status = opened.read_end_ids(*json, "eos_token_id"); !status.ok()) return status;
  const std::string generation = files.config + "/generation_config.json";  // whose list is the longer one
  if (std::error_code error; std::filesystem::exists(generation, error)) {
    const auto extra = HfConfig::open(generation);
    if (!extra) return extra.status();
    if (extra->has("eos_token_id")) opened.end_ids_.clear();
    if (Status status = opened.read_end_ids(*extra, "eos_token_id"); !status.ok()) return status;
  }
  auto weights = WeightFiles::open(files);
  if (!weights) return weights.status();
  opened.weights_ = std::move(*weights);
  return opened;
}

Result<std::unique_ptr<Decoder>> DecoderFiles::bind(StoredType stored, Team& team, ops::PackedStore* store) const {
  auto weights = DecoderWeights::bind(config_, tensors(), stored, &team, store);
  if (!weights) return weights.status();
  return std::make_unique<Decoder>(config_, std::move(*weights), team);
}

}  // namespace lathe::models
