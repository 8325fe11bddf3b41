// From a model's files to its decoder: which architecture it is, what the files say about it, its weights.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "chat/chat_template.h"
#include "models/decoder.h"
#include "models/weight_files.h"
#include "ops/packed_store.h"
#include "sample/sampler_options.h"

namespace lathe::models {

// A decoder's files, mapped, with what they say. The decoder's tables lead into them, so they outlive it.
class DecoderFiles {
 public:
  // An error that names an architecture that is none of those known here, or what is wrong with a configuration.
  static Result<DecoderFiles> open(const ModelFiles& files);

  const DecoderConfig& config() const { return config_; }
  const TensorTable& tensors() const { return weights_.tensors(); }
  Result<tokenize::Tokenizer> tokenizer() const { return weights_.tokenizer(); }
  // Tokens that end an answer; without the tokenizer, those that the other files name.
  Result<std::vector<int32_t>> stop_tokens(const tokenize::Tokenizer* tokenizer) const;
  // How its makers would have its answers drawn, where the files say; else greedily.
  Result<sample::SamplerOptions> recommended_sampling() const;
  Result<chat::ChatTemplate> chat_template(const tokenize::Tokenizer& tokenizer) const;

  // As EncoderFiles::bind.
  Result<std::unique_ptr<Decoder>> bind(StoredType stored, Team& team, ops::PackedStore* store = nullptr) const;

  void each_file(const std::function<void(const MappedFile&)>& visit) const { weights_.each_file(visit); }

 private:
  WeightFiles weights_;
  DecoderConfig config_;
};

}  // namespace lathe::models
