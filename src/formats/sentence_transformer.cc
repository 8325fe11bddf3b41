#include "formats/sentence_transformer.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/shown.h"
#include "formats/hf_config.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// Modules lie within the model's folder: a path that leads out of it could make us read any file.
bool stays_inside(std::string_view path) {
  if (path.find_first_of(std::string_view("\\\0", 2)) != path.npos || path.starts_with('/')) return false;
  for (const fs::path& part : fs::path(path))
    if (part == "..") return false;
  return true;
}

struct PoolingName {
  std::string_view field;  // in files of today
  std::string_view name;   // as pooling_mode has it
  Pooling pooling;
};
constexpr PoolingName kPoolings[] = {
    {"pooling_mode_cls_token", "cls", Pooling::cls},
    {"pooling_mode_max_tokens", "max", Pooling::max},
    {"pooling_mode_mean_tokens", "mean", Pooling::mean},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", Pooling::mean_sqrt_len},
    {"pooling_mode_weightedmean_tokens", "weightedmean", Pooling::weighted_mean},
    {"pooling_mode_lasttoken", "lasttoken", Pooling::last_token},
};

Status read_named_pooling(const HfConfig& config, SentenceTransformer& model) {
  const auto name = config.require_string("pooling_mode");
  if (!name) return name.status();
  for (const PoolingName& known : kPoolings)
    if (known.name == *name) model.pooling.push_back(known.pooling);
  if (!model.pooling.empty()) return {};
  return unsupported(
      fmt::format("{}: pooling_mode is {}, needed: cls, max, mean, mean_sqrt_len_tokens, weightedmean or lasttoken",
                  config.file(), shown(*name)));
}

Status read_pooling(const HfConfig& config, SentenceTransformer& model) {
  const auto include_prompt = config.bool_or("include_prompt", true);
  if (!include_prompt) return include_prompt.status();
  model.include_prompt = *include_prompt;
  if (config.has("word_embedding_dimension")) {
    const auto width = config.require_int("word_embedding_dimension");
    if (!width) return width.status();
    model.width = *width;
  }
  if (config.has("pooling_mode")) return read_named_pooling(config, model);
  for (const PoolingName& known : kPoolings) {
    // The mean is what sentence-transformers takes where its field is absent.
    const auto on = config.bool_or(known.field, known.pooling == Pooling::mean);
    if (!on) return on.status();
    if (*on) model.pooling.push_back(known.pooling);
  }
  if (!model.pooling.empty()) return {};
  return corrupt(fmt::format("{}: every pooling_mode_* is false, needed: at least one that is true", config.file()));
}

Status read_dense(const HfConfig& config, const std::string& folder, SentenceTransformer& model) {
  DenseLayer layer;
  const auto in = config.require_int("in_features"), out = config.require_int("out_features");
  if (!in) return in.status();
  if (!out) return out.status();
  const auto has_bias = config.bool_or("bias", true);
  if (!has_bias) return has_bias.status();
  const auto activation = config.require_string("activation_function");
  if (!activation) return activation.status();
  layer.in = *in;
  layer.out = *out;
  layer.activation = activation->substr(activation->rfind('.') + 1);
  auto file = open_safetensors(folder);
  if (!file) return file.status();
  layer.file = std::move(*file);
  const auto weight = layer.file.tensors.require("linear.weight", {layer.out, layer.in});
  if (!weight) return weight.status();
  layer.weight = *weight;
  if (*has_bias) {
    const auto bias = layer.file.tensors.require("linear.bias", {layer.out});
    if (!bias) return bias.status();
    layer.bias = *bias;
  }
  model.dense.push_back(std::move(layer));
  return {};
}

enum class Stage { transformer, pooling, dense, normalize };
constexpr std::pair<std::string_view, Stage> kModules[] = {{"Transformer", Stage::transformer},
                                                           {"Pooling", Stage::pooling},
                                                           {"Dense", Stage::dense},
                                                           {"Normalize", Stage::normalize}};

Result<Stage> stage_of(const HfConfig& module, std::string_view type) {
  const std::string_view name = type.substr(type.rfind('.') + 1);
  for (const auto& [known, stage] : kModules)
    if (known == name) return stage;
  return unsupported(
      fmt::format("{}: type is {}, needed: Transformer, Pooling, Dense or Normalize", module.file(), shown(type)));
}

Status read_module(Stage stage, const std::string& folder, SentenceTransformer& model) {
  if (stage == Stage::transformer) model.transformer_folder = folder;
  if (stage == Stage::normalize) model.normalize = true;
  if (stage == Stage::transformer || stage == Stage::normalize) return {};
  const auto config = HfConfig::open(folder + "/config.json");
  if (!config) return config.status();
  return stage == Stage::pooling ? read_pooling(*config, model) : read_dense(*config, folder, model);
}

Status read_modules(const std::string& folder, SentenceTransformer& model) {
  const auto modules = HfConfig::open_list(folder + "/modules.json");
  if (!modules) return modules.status();
  std::optional<Stage> before;
  for (const HfConfig& module : *modules) {
    const auto type = module.require_string("type");
    if (!type) return type.status();
    const auto path = module.require_string("path");
    if (!path) return path.status();
    if (!stays_inside(*path))
      return corrupt(fmt::format("{}: path is {}, needed: a folder within the model's", module.file(), shown(*path)));
    const auto stage = stage_of(module, *type);
    if (!stage) return stage.status();
    const bool in_order =
        before ? *stage > *before || (*stage == Stage::dense && *before == Stage::dense) : *stage == Stage::transformer;
    const bool pooled = *stage < Stage::dense || !model.pooling.empty();
    if (!in_order || !pooled)
      return unsupported(fmt::format(
          "{}: type is {} at this place, needed: one Transformer, one Pooling, any Dense, then at most one Normalize",
          module.file(), shown(*type)));
    before = *stage;
    const fs::path where = path->empty() ? fs::path(folder) : fs::path(folder) / *path;
    if (const Status status = read_module(*stage, where, model); !status.ok()) return status;
  }
  if (model.pooling.empty())
    return unsupported(fmt::format("{}/modules.json: has no Pooling, needed: a Transformer and a Pooling", folder));
  return {};
}

Status read_prompts(const std::string& folder, SentenceTransformer& model) {
  const std::string path = folder + "/config_sentence_transformers.json";
  if (!is_there(path)) return {};
  const auto config = HfConfig::open(path);
  if (!config) return config.status();
  auto prompts = config->texts("prompts");
  if (!prompts) return prompts.status();
  model.prompts = std::move(*prompts);
  const auto similarity = config->string_or("similarity_fn_name", "");
  if (!similarity) return similarity.status();
  model.similarity = *similarity;
  if (!config->has("default_prompt_name")) return {};
  const auto name = config->require_string("default_prompt_name");
  if (!name) return name.status();
  for (const auto& [known, text] : model.prompts)
    if (known == *name) model.default_prompt = known;
  if (model.default_prompt) return {};
  return corrupt(
      fmt::format("{}: default_prompt_name is {}, needed: the name of one of its prompts", path, shown(*name)));
}

Status read_limits(SentenceTransformer& model) {
  const std::string path = model.transformer_folder + "/sentence_bert_config.json";
  if (!is_there(path)) return {};
  const auto config = HfConfig::open(path);
  if (!config) return config.status();
  const auto lower_case = config->bool_or("do_lower_case", false);
  if (!lower_case) return lower_case.status();
  model.lower_case = *lower_case;
  if (!config->has("max_seq_length")) return {};
  const auto max_tokens = config->require_int("max_seq_length");
  if (!max_tokens) return max_tokens.status();
  model.max_tokens = *max_tokens;
  return {};
}

}  // namespace

Result<std::optional<SentenceTransformer>> open_sentence_transformer(const std::string& folder) {
  if (!is_there(folder + "/modules.json")) return std::optional<SentenceTransformer>();
  SentenceTransformer model;
  if (const Status status = read_modules(folder, model); !status.ok()) return status;
  if (const Status status = read_prompts(folder, model); !status.ok()) return status;
  if (const Status status = read_limits(model); !status.ok()) return status;
  return std::optional(std::move(model));
}

}  // namespace lathe
