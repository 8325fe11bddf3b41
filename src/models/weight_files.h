// The files of a model's weights, mapped, whatever their format, and the tokenizer that comes with them.
#pragma once

#include <functional>
#include <optional>

#include "formats/gguf.h"
#include "formats/llama2c.h"
#include "formats/model_files.h"
#include "formats/safetensors.h"
#include "tokenize/tokenizer.h"

namespace lathe::models {

class WeightFiles {
 public:
  static Result<WeightFiles> open(const ModelFiles& files);

  const ModelFiles& files() const { return files_; }
  const TensorTable& tensors() const;
  const Gguf* gguf() const { return gguf_ ? &gguf_->content : nullptr; }
  const Llama2c* llama2c() const { return llama2c_ ? &llama2c_->content : nullptr; }

  Result<tokenize::Tokenizer> tokenizer() const;
  // All files that hold tensors.
  void each_file(const std::function<void(const MappedFile&)>& visit) const;

 private:
  ModelFiles files_;
  Safetensors safetensors_;  // where it is neither of the others
  std::optional<GgufFile> gguf_;
  std::optional<Llama2cFile> llama2c_;
};

}  // namespace lathe::models
