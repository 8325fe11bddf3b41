// From a model's files to its encoder: which architecture it is, what the files say about it, its weights.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "formats/sentence_transformer.h"
#include "models/bert_config.h"
#include "models/encoder.h"
#include "models/gemma_config.h"
#include "models/weight_files.h"
#include "ops/packed_store.h"

namespace lathe::models {

// An encoder's files, mapped, with what they say. The encoder's tables lead into them, so they outlive it.
class EncoderFiles {
 public:
  // An error that names an architecture that is none of those known here, or what is wrong with a configuration.
  static Result<EncoderFiles> open(const ModelFiles& files);

  std::string_view architecture() const;
  const TensorTable& tensors() const { return weights_.tensors(); }
  // modules.json and what it names, or what a GGUF file says of the same.
  const std::optional<SentenceTransformer>& extras() const { return extras_; }
  Result<tokenize::Tokenizer> tokenizer() const;

  // Products are kept as `stored`, whatever the files hold, and come from `store` where it has them. `team` must
  // outlive the encoder.
  Result<std::unique_ptr<Encoder>> bind(matmul::Type stored, Team& team, ops::PackedStore* store = nullptr) const;

  // All files that hold tensors.
  void each_file(const std::function<void(const MappedFile&)>& visit) const;

 private:
  Status open_safetensors_model(const ModelFiles& files);
  Status open_gguf_model(const ModelFiles& files);
  Status open_weights(const ModelFiles& files);

  WeightFiles weights_;
  std::optional<SentenceTransformer> extras_;
  std::variant<BertConfig, GemmaConfig> config_;
};

}  // namespace lathe::models
