#include "run/encoder_checkpoint.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "formats/checkpoint_manifest.h"
#include "formats/hf_config.h"
#include "formats/sentence_transformer.h"
#include "models/weight_binder.h"
#include "models/weight_files.h"
#include "quant/dequantize.h"
#include "run/checkpoint_tensors.h"
#include "run/tokenizer_files.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int64_t kMostConfig = 1 << 20;

std::string text_of(const Json& json) { return json.dump(2) + "\n"; }

std::string modules() {
  Json list = Json::array();
  const auto add = [&](const char* path, const char* type) {
    list.push_back({{"idx", list.size()},
                    {"name", std::to_string(list.size())},
                    {"path", path},
                    {"type", std::string("sentence_transformers.models.") + type}});
  };
  add("", "Transformer");
  add("1_Pooling", "Pooling");
  add("2_Normalize", "Normalize");
  return text_of(list);
}

std::string pooling(int64_t width) {
  return text_of({{"word_embedding_dimension", width},
                  {"pooling_mode_cls_token", false},
                  {"pooling_mode_mean_tokens", true},
                  {"pooling_mode_max_tokens", false},
                  {"pooling_mode_mean_sqrt_len_tokens", false}});
}

// What transformers asks for beside tokenizer.json, where its owner had none.
Result<std::string> tokenizer_config(const EncoderHead& head) {
  const auto tokenizer = tokenizer_of(head.tokenizer, "the tokenizer");
  if (!tokenizer) return tokenizer.status();
  Json json = {{"tokenizer_class", "PreTrainedTokenizerFast"},
               {"clean_up_tokenization_spaces", false},
               {"model_max_length", head.max_tokens}};
  const tokenize::SpecialIds& special = tokenizer->special();
  const std::pair<const char*, int32_t> tokens[] = {{"cls_token", special.cls},
                                                    {"sep_token", special.sep},
                                                    {"pad_token", special.pad},
                                                    {"unk_token", special.unk},
                                                    {"mask_token", special.mask}};
  for (const auto& [name, id] : tokens)
    if (id >= 0) json[name] = tokenizer->piece(id);
  return text_of(json);
}

bool has(const std::vector<NamedFile>& files, std::string_view name) {
  for (const NamedFile& file : files)
    if (file.name == name) return true;
  return false;
}

Status write_texts(const std::string& folder, const EncoderHead& head, int64_t width) {
  std::vector<NamedFile> files = head.tokenizer;
  if (!has(files, "tokenizer_config.json")) {
    auto made = tokenizer_config(head);
    if (!made) return made.status();
    files.push_back({"tokenizer_config.json", std::move(*made)});
  }
  files.push_back({"config.json", head.config});
  files.push_back({"modules.json", modules()});
  files.push_back({"1_Pooling/config.json", pooling(width)});
  files.push_back({"sentence_bert_config.json",
                   text_of({{"max_seq_length", head.max_tokens}, {"do_lower_case", head.lower_case}})});
  files.push_back({"config_sentence_transformers.json", text_of({{"similarity_fn_name", "cosine"}})});
  files.push_back({"train.json", head.record});
  std::error_code error;
  for (const char* name : {"1_Pooling", "2_Normalize"})
    if (!fs::create_directory(folder + "/" + name, error) || error)
      return io_error(folder + "/" + name + ": cannot be created: " + error.message());
  for (const NamedFile& file : files)
    if (Status status = write_file(folder + "/" + file.name, file.bytes); !status.ok()) return status;
  return {};
}

// What the files say of the way from tokens to a vector has to be what learning computes.
Status check_modules(const SentenceTransformer& extras, const std::string& model) {
  if (extras.pooling != std::vector{Pooling::mean})
    return unsupported(model + ": its pooling is another than the mean over the tokens, needed: that, to learn");
  if (!extras.dense.empty()) return unsupported(model + ": has a Dense module, needed: none, to learn");
  return {};
}

}  // namespace

Status save_encoder(const std::string& path, const EncoderHead& head, models::TrainEncoder& model) {
  return write_checkpoint(path, [&](const std::string& folder) {
    if (Status status = write_texts(folder, head, model.config().width); !status.ok()) return status;
    return write_learned(folder, model.tensors(), learned_by(model));
  });
}

Result<EncoderStart> read_encoder_start(const std::string& model, const std::string& hub) {
  auto files = resolve_model(model, hub);
  if (!files) return files.status();
  if (files->format != ModelFiles::Format::safetensors)
    return unsupported(files->weights + ": is no Hugging Face folder, needed: one with safetensors, to learn");
  EncoderStart start{.config = {}, .head = {}, .files = *files};
  auto text = read_file(files->config + "/config.json", kMostConfig);
  if (!text) return text.status();
  const auto fields = HfConfig::parse(*text, files->config + "/config.json");
  if (!fields) return fields.status();
  const auto config = models::read_bert_config(*fields);
  if (!config) return config.status();
  auto tokenizer = read_tokenizer_files(files->config);
  if (!tokenizer) return tokenizer.status();
  start.config = *config;
  start.head.config = std::move(*text);
  start.head.tokenizer = std::move(*tokenizer);
  start.head.max_tokens = config->max_tokens();
  const auto extras = open_sentence_transformer(files->folder);
  if (!extras) return extras.status();
  if (*extras) {
    if (Status status = check_modules(**extras, model); !status.ok()) return status;
    start.head.max_tokens = std::min((*extras)->max_tokens.value_or(config->max_tokens()), config->max_tokens());
    start.head.lower_case = (*extras)->lower_case;
  }
  return start;
}

Status load_encoder_weights(const ModelFiles& files, models::TrainEncoder& model) {
  constexpr const char* kPrefixes[] = {"", "bert.", "roberta.", "model."};
  const auto opened = models::WeightFiles::open(files);
  if (!opened) return opened.status();
  const std::string prefix = models::prefix_of(opened->tensors(), kPrefixes, model.tensors().front().name);
  for (const models::TrainTensor& tensor : model.tensors()) {
    const auto found = opened->tensors().require(prefix + tensor.name, Shape(tensor.shape));
    if (!found) return found.status();
    float* const out = model.weights().data() + tensor.offset;
    if (Status status = dequantize((*found)->dtype, (*found)->bytes, tensor.size, out); !status.ok())
      return corrupt(files.weights + ": tensor " + (*found)->name + ": " + status.message());
  }
  return {};
}

Status load_encoder(const std::string& checkpoint, models::TrainEncoder& model) {
  return read_learned(checkpoint, model.tensors(), learned_by(model));
}

}  // namespace lathe::run
