#include "formats/model_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "formats/hf_config.h"

namespace lathe {
namespace {

struct Size {
  const char *label, *hf, *gguf;
};
constexpr Size kSizes[] = {
    {"width", "hidden_size", "embedding_length"},
    {"layers", "num_hidden_layers", "block_count"},
    {"heads", "num_attention_heads", "attention.head_count"},
    {"key and value heads", "num_key_value_heads", "attention.head_count_kv"},
    {"intermediate width", "intermediate_size", "feed_forward_length"},
    {"vocabulary", "vocab_size", "vocab_size"},
    {"positions", "max_position_embeddings", "context_length"},
};

void add_tensors(std::span<const TensorView> tensors, const std::string& folder, ModelSummary& summary) {
  for (const TensorView& tensor : tensors) {
    const auto bytes = static_cast<int64_t>(tensor.bytes.size());
    summary.tensors.push_back({&tensor, folder});
    summary.parameters += tensor.elements();
    summary.tensor_bytes += bytes;
    auto total = std::ranges::find(summary.by_dtype, tensor.dtype, &DTypeTotal::dtype);
    if (total == summary.by_dtype.end()) total = summary.by_dtype.insert(total, {.dtype = tensor.dtype});
    ++total->tensors;
    total->elements += tensor.elements();
    total->bytes += bytes;
  }
  std::ranges::stable_sort(summary.by_dtype, std::ranges::greater(), &DTypeTotal::bytes);
}

std::string text_at(const Fields& fields, std::string_view key) {
  const FieldValue value = fields.at(key);
  const auto* text = std::get_if<std::string_view>(&value);
  return text ? std::string(*text) : "";
}

// A size that is an array (one of each layer) or has another form is left out: this only informs.
void add_size(const Fields& fields, const std::string& key, const char* label, ModelSummary& summary) {
  const FieldValue value = fields.at(key);
  if (const auto* number = std::get_if<int64_t>(&value)) summary.sizes.emplace_back(label, *number);
}

void add_config(const HfConfig& config, ModelSummary& summary) {
  // A model that reads images too keeps its language part's sizes in text_config.
  const std::string prefix = config.has("hidden_size") || !config.has("text_config") ? "" : "text_config.";
  for (const Size& size : kSizes) add_size(config, prefix + size.hf, size.label, summary);
  const std::string type = text_at(config, "model_type");
  const auto classes = config.require_strings("architectures");
  summary.architecture = classes && !classes->empty() ? fmt::format("{} ({})", type, classes->front()) : type;
}

constexpr const char* pooling_name(Pooling pooling) {
  switch (pooling) {
    case Pooling::cls:
      return "first token";
    case Pooling::max:
      return "maximum";
    case Pooling::mean:
      return "mean";
    case Pooling::mean_sqrt_len:
      return "sum over the root of the length";
    case Pooling::weighted_mean:
      return "weighted mean";
    case Pooling::last_token:
      return "last token";
  }
  return "";
}

void add_pipeline(const SentenceTransformer& model, ModelSummary& summary) {
  std::string pooling, dense, prompts;
  for (const Pooling mode : model.pooling)
    pooling += (pooling.empty() ? "" : " and ") + std::string(pooling_name(mode));
  for (const DenseLayer& layer : model.dense) {
    dense += fmt::format("{}{} to {}, {}", dense.empty() ? "" : "; ", layer.in, layer.out, layer.activation);
    const std::filesystem::path folder =
        std::filesystem::path(layer.file.files.front().path()).parent_path().filename();
    add_tensors(layer.file.tensors.all(), folder.string() + "/", summary);
    for (const MappedFile& file : layer.file.files) summary.file_bytes += static_cast<int64_t>(file.bytes().size());
    summary.files += static_cast<int64_t>(layer.file.files.size());
  }
  for (const auto& [name, text] : model.prompts) prompts += (prompts.empty() ? "" : ", ") + name;
  summary.pipeline.emplace_back("pooling", pooling);
  if (!dense.empty()) summary.pipeline.emplace_back("dense layers", dense);
  summary.pipeline.emplace_back("normalised", model.normalize ? "yes" : "no");
  if (model.max_tokens) summary.pipeline.emplace_back("longest input", fmt::format("{} tokens", *model.max_tokens));
  if (!prompts.empty()) summary.pipeline.emplace_back("prompts", prompts);
}

Result<ModelSummary> summarize_safetensors(const ModelFiles& files) {
  auto model = open_safetensors(files.weights);
  if (!model) return model.status();
  ModelSummary summary;
  summary.path = files.weights;
  summary.format = "safetensors";
  summary.tokenizer = files.tokenizer;
  summary.files = static_cast<int64_t>(model->files.size());
  for (const MappedFile& file : model->files) summary.file_bytes += static_cast<int64_t>(file.bytes().size());
  add_tensors(model->tensors.all(), "", summary);
  summary.safetensors = std::move(*model);
  const auto config = HfConfig::open(files.config + "/config.json");
  if (config)
    add_config(*config, summary);
  else
    summary.notes.push_back(config.status().message());
  auto extras = open_sentence_transformer(files.folder);
  if (!extras)
    summary.notes.push_back(extras.status().message());
  else
    summary.extras = std::move(*extras);
  if (summary.extras) add_pipeline(*summary.extras, summary);
  return summary;
}

Result<ModelSummary> summarize_gguf(const ModelFiles& files) {
  auto opened = open_gguf(files.weights);
  if (!opened) return opened.status();
  ModelSummary summary;
  summary.gguf = std::move(*opened);
  const Gguf& gguf = summary.gguf->content;
  summary.path = files.weights;
  summary.format = fmt::format("GGUF {}", gguf.version());
  summary.file_bytes = static_cast<int64_t>(summary.gguf->file.bytes().size());
  summary.architecture = text_at(gguf, "general.architecture");
  for (const Size& size : kSizes) add_size(gguf, summary.architecture + "." + size.gguf, size.label, summary);
  summary.tokenizer = text_at(gguf, "tokenizer.ggml.model");
  if (const GgufValue* tokens = gguf.find("tokenizer.ggml.tokens"); tokens && tokens->type == GgufType::array)
    summary.tokens = static_cast<int64_t>(tokens->count);
  add_tensors(gguf.tensors().all(), "", summary);
  return summary;
}

Result<ModelSummary> summarize_llama2c(const ModelFiles& files) {
  auto opened = open_llama2c(files.weights);
  if (!opened) return opened.status();
  ModelSummary summary;
  summary.llama2c = std::move(*opened);
  summary.path = files.weights;
  summary.format = "llama2.c";
  summary.architecture = "llama";
  summary.file_bytes = static_cast<int64_t>(summary.llama2c->file.bytes().size());
  if (const auto tokenizer = llama2c_tokenizer_beside(files.weights, summary.llama2c->content.header.vocabulary))
    summary.tokenizer = *tokenizer;
  add_tensors(summary.llama2c->content.tensors.all(), "", summary);
  return summary;
}

}  // namespace

Result<ModelSummary> summarize_model(const ModelFiles& files) {
  if (files.format == ModelFiles::Format::llama2c) return summarize_llama2c(files);
  return files.format == ModelFiles::Format::gguf ? summarize_gguf(files) : summarize_safetensors(files);
}

}  // namespace lathe
