#include "models/open_encoder.h"

#include <string>

#include "base/shown.h"
#include "formats/hf_config.h"
#include "models/bert_encoder.h"
#include "models/gemma_encoder.h"
#include "models/gguf_extras.h"

namespace lathe::models {
namespace {

template <class Config>
Status take(Result<Config> read, std::variant<BertConfig, GemmaConfig>& config) {
  if (!read) return read.status();
  config = std::move(*read);
  return {};
}

template <class Weights, class Model, class Config>
Result<std::unique_ptr<Encoder>> bind_as(const Config& config, const TensorTable& tensors, matmul::Type stored,
                                         Team& team, ops::PackedStore* store) {
  auto weights = Weights::bind(config, tensors, stored, &team, store);
  if (!weights) return weights.status();
  return std::unique_ptr<Encoder>(std::make_unique<Model>(config, std::move(*weights), stored, team));
}

}  // namespace

Result<EncoderFiles> EncoderFiles::open(const ModelFiles& files) {
  if (files.format == ModelFiles::Format::llama2c)
    return unsupported(files.weights + ": is a llama2.c checkpoint, a decoder; needed: an encoder");
  EncoderFiles opened;
  const bool gguf = files.format == ModelFiles::Format::gguf;
  const Status status = gguf ? opened.open_gguf_model(files) : opened.open_safetensors_model(files);
  if (!status.ok()) return status;
  return opened;
}

Status EncoderFiles::open_weights(const ModelFiles& files) {
  auto weights = WeightFiles::open(files);
  if (!weights) return weights.status();
  weights_ = std::move(*weights);
  return {};
}

Status EncoderFiles::open_safetensors_model(const ModelFiles& files) {
  const auto config = HfConfig::open(files.config + "/config.json");
  if (!config) return config.status();
  const auto type = config->require_string("model_type");
  if (!type) return type.status();
  const bool bert = *type == "bert" || *type == "roberta" || *type == "xlm-roberta";
  if (!bert && *type != "gemma3_text")
    return unsupported(config->file() + ": model_type is " + shown(*type) +
                       ", needed: bert, roberta, xlm-roberta or gemma3_text");
  const Status read = bert ? take(read_bert_config(*config), config_) : take(read_gemma_config(*config), config_);
  if (!read.ok()) return read;
  auto extras = open_sentence_transformer(files.folder);
  if (!extras) return extras.status();
  extras_ = std::move(*extras);
  return open_weights(files);
}

Status EncoderFiles::open_gguf_model(const ModelFiles& files) {
  if (Status status = open_weights(files); !status.ok()) return status;
  const Gguf& gguf = *weights_.gguf();
  const auto type = gguf.require_string("general.architecture");
  if (!type) return type.status();
  if (*type != "bert" && *type != "gemma-embedding")
    return unsupported(gguf.file() + ": general.architecture is " + shown(*type) + ", needed: bert or gemma-embedding");
  const Status read = *type == "bert" ? take(read_bert_gguf(gguf), config_) : take(read_gemma_gguf(gguf), config_);
  if (!read.ok()) return read;
  auto extras = gguf_extras(gguf, *type);
  if (!extras) return extras.status();
  extras_ = std::move(*extras);
  return {};
}

void EncoderFiles::each_file(const std::function<void(const MappedFile&)>& visit) const {
  weights_.each_file(visit);
  if (!extras_) return;
  for (const DenseLayer& dense : extras_->dense)
    for (const MappedFile& file : dense.file.files) visit(file);
}

std::string_view EncoderFiles::architecture() const { return config_.index() == 0 ? "bert" : "gemma-embedding"; }

Result<tokenize::Tokenizer> EncoderFiles::tokenizer() const {
  auto tokenizer = weights_.tokenizer();
  if (tokenizer && extras_) tokenizer->set_lower_case(extras_->lower_case);
  return tokenizer;
}

Result<std::unique_ptr<Encoder>> EncoderFiles::bind(matmul::Type stored, Team& team, ops::PackedStore* store) const {
  const auto* bert = std::get_if<BertConfig>(&config_);
  auto encoder = bert != nullptr ? bind_as<BertWeights, BertEncoder>(*bert, tensors(), stored, team, store)
                                 : bind_as<GemmaWeights, GemmaEncoder>(std::get<GemmaConfig>(config_), tensors(),
                                                                       stored, team, store);
  if (!encoder || !extras_ || extras_->dense.empty()) return encoder;
  const int64_t pooled = (*encoder)->sizes().width * static_cast<int64_t>(extras_->pooling.size());
  auto head = DenseHead::bind(extras_->dense, pooled, stored, team, store);
  if (!head) return head.status();
  (*encoder)->set_head(std::move(*head));
  return encoder;
}

}  // namespace lathe::models
