#include "models/weight_files.h"

#include "models/gguf_tokenizer.h"
#include "models/llama2c_tokenizer.h"

namespace lathe::models {

Result<WeightFiles> WeightFiles::open(const ModelFiles& files) {
  WeightFiles opened;
  opened.files_ = files;
  const auto keep = [](auto result, auto& to) {
    if (result) to = std::move(*result);
    return result.status();
  };
  Status status;
  switch (files.format) {
    case ModelFiles::Format::safetensors:
      status = keep(open_safetensors(files.weights), opened.safetensors_);
      break;
    case ModelFiles::Format::gguf:
      status = keep(open_gguf(files.weights), opened.gguf_);
      break;
    case ModelFiles::Format::llama2c:
      status = keep(open_llama2c(files.weights), opened.llama2c_);
      break;
  }
  if (!status.ok()) return status;
  return opened;
}

const TensorTable& WeightFiles::tensors() const {
  if (gguf_) return gguf_->content.tensors();
  return llama2c_ ? llama2c_->content.tensors : safetensors_.tensors;
}

Result<tokenize::Tokenizer> WeightFiles::tokenizer() const {
  if (gguf_) return tokenizer_of(gguf_->content);
  if (llama2c_) return open_llama2c_tokenizer(files_.weights, llama2c_->content.header.vocabulary);
  if (files_.tokenizer.empty()) return not_found(files_.config + ": there is no tokenizer file");
  return tokenize::Tokenizer::load(files_.config);
}

void WeightFiles::each_file(const std::function<void(const MappedFile&)>& visit) const {
  for (const MappedFile& file : safetensors_.files) visit(file);
  if (gguf_) visit(gguf_->file);
  if (llama2c_) visit(llama2c_->file);
}

}  // namespace lathe::models
