// From a model's files to its decoder: which architecture it is, what the files say about it, its weights.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "models/decoder.h"
#include "models/weight_files.h"
#include "ops/packed_store.h"

namespace lathe::models {

// A decoder's files, mapped, with what they say. The decoder's tables lead into them, so they outlive it.
class DecoderFiles {
 public:
  // An error that names an architecture that is none of those known here, or what is wrong with a configuration.
  static Result<DecoderFiles> open(const ModelFiles& files);

  const DecoderConfig& config() const { return config_; }
  const TensorTable& tensors() const { return weights_.tensors(); }
  Result<tokenize::Tokenizer> tokenizer() const { return weights_.tokenizer(); }
  // Tokens that end an answer, as the files name them; the tokenizer may know another.
  const std::vector<int32_t>& end_ids() const { return end_ids_; }

  // As EncoderFiles::bind.
  Result<std::unique_ptr<Decoder>> bind(StoredType stored, Team& team, ops::PackedStore* store = nullptr) const;

  void each_file(const std::function<void(const MappedFile&)>& visit) const { weights_.each_file(visit); }

 private:
  Status read_end_ids(const Fields& fields, const std::string& key);

  WeightFiles weights_;
  DecoderConfig config_;
  std::vector<int32_t> end_ids_;
};

}  // namespace lathe::models
