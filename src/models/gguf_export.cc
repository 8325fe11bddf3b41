#include "models/gguf_export.h"

#include <string_view>
#include <utility>

#include "formats/hf_config.h"
#include "models/decoder_export.h"
#include "models/encoder_export.h"

namespace lathe::models {
namespace {

// What depends on the types and on how the values came to them.
bool is_of_types(std::string_view key) {
  return key == "general.file_type" || key == "general.quantization_version" || key == "general.alignment" ||
         key.starts_with("quantize.") || key.starts_with("split.");
}

Status add_all(GgufExport& to) {
  const Gguf& file = *to.files.gguf();
  for (const GgufEntry& entry : file.entries())
    if (!is_of_types(entry.key)) to.metadata.add(entry);
  const auto name = file.string_or("general.architecture", "");
  if (!name) return name.status();
  const auto layers = file.int_or(std::string(*name) + ".block_count", 0, {0, 1 << 16});
  if (!layers) return layers.status();
  to.layers = *layers;
  for (const TensorView& tensor : file.tensors().all())
    to.tensors.push_back({.target = {tensor.name, tensor.dtype, tensor.shape, {}}, .source = &tensor});
  return {};
}

Status export_folder(GgufExport& made) {
  const auto config = HfConfig::open(made.files.files().config + "/config.json");
  if (!config) return config.status();
  const auto type = config->string_or("model_type", "");
  if (!type) return type.status();
  return *type == "bert" ? export_encoder(*config, made) : export_decoder(made);
}

}  // namespace

Result<GgufExport> export_gguf(const ModelFiles& files) {
  auto opened = WeightFiles::open(files);
  if (!opened) return opened.status();
  GgufExport made{.files = std::move(*opened)};
  Status status;
  switch (files.format) {
    case ModelFiles::Format::gguf:
      status = add_all(made);
      break;
    case ModelFiles::Format::safetensors:
      status = export_folder(made);
      break;
    case ModelFiles::Format::llama2c:
      return unsupported(files.weights + ": is a llama2.c file, needed: a GGUF file or a Hugging Face folder");
  }
  if (!status.ok()) return status;
  return made;
}

}  // namespace lathe::models
