#include "models/hf_export.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/shown.h"
#include "models/decoder_config.h"
#include "models/decoder_family.h"
#include "models/decoder_tensors.h"
#include "models/gguf_tokenizer.h"
#include "models/hf_config_text.h"

namespace lathe::models {
namespace {

Status add_tensors(const DecoderFamily& family, const DecoderConfig& c, DType type, HfExport& made) {
  const TensorTable& from = made.files.tensors();
  const bool side_by_side = family.pairs == rope::Pairing::interleaved;
  std::set<std::string_view> used = {"rope_freqs.weight"};  // config.json has what it was made of
  for (const DecoderTensor& tensor : decoder_tensors(c, family.gpt2 ? "transformer." : "model.", side_by_side)) {
    const auto source = from.require(tensor.gguf, tensor.shape);
    if (!source) return source.status();
    used.insert((*source)->name);
    ExportTensor one;
    const Shape& shape = tensor.shape;
    one.target = {tensor.hugging_face, type, tensor.transposed ? Shape{shape[1], shape[0]} : shape, {}};
    one.source = *source;
    one.order = tensor.transposed ? RowOrder::transposed : tensor.heads > 0 ? RowOrder::to_halves : RowOrder::kept;
    one.heads = std::max<int64_t>(tensor.heads, 1);
    one.added = tensor.norm && family.gemma ? -1.0f : 0.0f;
    made.tensors.push_back(std::move(one));
  }
  for (const TensorView& tensor : from.all())
    if (!used.contains(tensor.name))
      return unsupported(made.files.files().weights + ": tensor " + shown(tensor.name) +
                         " has no place in a model of the kind " + family.model_type + ", needed: none such");
  return {};
}

DType plain_type(const TensorTable& tensors) {
  std::array<int64_t, kDTypes> values{};
  for (const TensorView& tensor : tensors.all())
    if (tensor.shape.rank() > 1) values[static_cast<size_t>(tensor.dtype)] += tensor.elements();
  const auto most = static_cast<DType>(std::ranges::max_element(values) - values.begin());
  return most == DType::f32 || most == DType::bf16 ? most : DType::f16;
}

}  // namespace

Result<HfExport> export_hugging_face(const ModelFiles& files, std::optional<DType> wanted) {
  auto opened = WeightFiles::open(files);
  if (!opened) return opened.status();
  HfExport made{.files = std::move(*opened)};
  const Gguf& gguf = *made.files.gguf();
  const DType type = wanted.value_or(plain_type(gguf.tensors()));
  const auto decoder = read_decoder_gguf(gguf);
  if (!decoder) return decoder.status();
  const DecoderFamily& family = *find_decoder_family(&DecoderFamily::architecture, decoder->architecture);
  auto config = hf_config_text(gguf, family, *decoder, type);
  if (!config) return config.status();
  made.texts.emplace_back("config.json", std::move(*config));
  if (Status status = add_tensors(family, *decoder, type, made); !status.ok()) return status;
  auto tokenizer = tokenizer_json_of(gguf);
  if (!tokenizer) {
    made.notes.push_back("no tokenizer.json: " + tokenizer.status().message());
    return made;
  }
  made.texts.emplace_back("tokenizer.json", std::move(tokenizer->tokenizer));
  made.texts.emplace_back("tokenizer_config.json", std::move(tokenizer->config));
  made.notes.insert(made.notes.end(), tokenizer->notes.begin(), tokenizer->notes.end());
  return made;
}

}  // namespace lathe::models
