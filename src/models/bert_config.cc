#include "models/bert_config.h"

#include <string>

#include "base/shown.h"
#include "models/field_reader.h"
#include "models/weight_binder.h"

namespace lathe::models {
namespace {

struct Field {
  const char* name;
  int64_t BertConfig::*member;
};
constexpr Field kFields[] = {
    {"hidden_size", &BertConfig::width},         {"num_hidden_layers", &BertConfig::layers},
    {"num_attention_heads", &BertConfig::heads}, {"intermediate_size", &BertConfig::intermediate},
    {"vocab_size", &BertConfig::vocabulary},     {"max_position_embeddings", &BertConfig::positions},
    {"type_vocab_size", &BertConfig::types},
};

constexpr std::pair<std::string_view, matmul::Activation> kActivations[] = {
    {"gelu", matmul::Activation::gelu_erf},
    {"gelu_new", matmul::Activation::gelu_tanh},
    {"gelu_pytorch_tanh", matmul::Activation::gelu_tanh},
    {"relu", matmul::Activation::relu},
    {"silu", matmul::Activation::silu},
    {"swish", matmul::Activation::silu},
};

Status read_activation(const Fields& config, BertConfig& bert) {
  const auto name = config.require_string("hidden_act");
  if (!name) return name.status();
  for (const auto& [known, activation] : kActivations)
    if (known == *name) {
      bert.activation = activation;
      return {};
    }
  return unsupported(config.file() + ": hidden_act is " + shown(*name) +
                     ", needed: gelu, gelu_new, gelu_pytorch_tanh, relu, silu or swish");
}

Status read_positions(const Fields& config, std::string_view type, BertConfig& bert) {
  const auto kind = config.string_or("position_embedding_type", "absolute");
  if (!kind) return kind.status();
  if (*kind != "absolute")
    return unsupported(config.file() + ": position_embedding_type is " + shown(*kind) + ", needed: absolute");
  if (type == "bert") return {};
  const auto pad = config.int_or("pad_token_id", 1, {0, kCount.most});
  if (!pad) return pad.status();
  bert.first_position = *pad + 1;
  if (bert.max_tokens() > 0) return {};
  return corrupt(config.file() + ": max_position_embeddings is " + std::to_string(bert.positions) +
                 ", needed: more than pad_token_id + 1, which is " + std::to_string(bert.first_position));
}

}  // namespace

Result<BertConfig> read_bert_config(const Fields& config) {
  const auto type = config.require_string("model_type");
  if (!type) return type.status();
  if (*type != "bert" && *type != "xlm-roberta" && *type != "roberta")
    return unsupported(config.file() + ": model_type is " + shown(*type) + ", needed: bert, roberta or xlm-roberta");
  const auto decoder = config.bool_or("is_decoder", false);
  if (!decoder) return decoder.status();
  if (*decoder) return unsupported(config.file() + ": is_decoder is true, needed: an encoder");

  BertConfig bert;
  for (const Field& field : kFields) {
    const auto value = config.require_int(field.name);
    if (!value) return value.status();
    bert.*field.member = *value;
  }
  if (bert.width % bert.heads != 0)
    return corrupt(config.file() + ": hidden_size is " + std::to_string(bert.width) +
                   ", needed: a multiple of num_attention_heads, which is " + std::to_string(bert.heads));
  const auto eps = config.require_float("layer_norm_eps", {1e-30, 1});
  if (!eps) return eps.status();
  bert.eps = static_cast<float>(*eps);
  if (Status status = read_positions(config, *type, bert); !status.ok()) return status;
  if (Status status = read_activation(config, bert); !status.ok()) return status;
  return bert;
}

Result<BertConfig> read_bert_gguf(const Gguf& file) {
  FieldReader read(file, "bert.");
  BertConfig bert;
  bert.width = read.count("embedding_length");
  bert.layers = read.count("block_count");
  bert.heads = read.count("attention.head_count");
  bert.intermediate = read.count("feed_forward_length");
  bert.positions = read.count("context_length");
  bert.eps = static_cast<float>(read.number("attention.layer_norm_epsilon", {1e-30, 1}));
  const bool causal = read.flag_or("attention.causal", false);
  const int64_t kv_heads = read.count_or("attention.head_count_kv", bert.heads);
  if (!read.status().ok()) return read.status();
  if (causal) return unsupported(file.file() + ": bert.attention.causal is true, needed: false, an encoder");
  if (kv_heads != bert.heads)
    return unsupported(file.file() + ": bert.attention.head_count_kv is " + std::to_string(kv_heads) +
                       ", needed: that of the queries, " + std::to_string(bert.heads));
  if (bert.width % bert.heads != 0)
    return corrupt(file.file() + ": bert.embedding_length is " + std::to_string(bert.width) +
                   ", needed: a multiple of bert.attention.head_count, which is " + std::to_string(bert.heads));
  for (const auto& [name, rows] :
       {std::pair{"token_embd.weight", &BertConfig::vocabulary}, std::pair{"token_types.weight", &BertConfig::types}}) {
    const auto found = rows_of(file.tensors(), name);
    if (!found) return found.status();
    bert.*rows = *found;
  }
  return bert;
}

}  // namespace lathe::models
