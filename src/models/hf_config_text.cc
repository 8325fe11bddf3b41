#include "models/hf_config_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shown.h"

namespace lathe::models {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<std::string_view, const char*> kClasses[] = {
    {"llama", "LlamaForCausalLM"},     {"qwen2", "Qwen2ForCausalLM"},        {"qwen3", "Qwen3ForCausalLM"},
    {"smollm3", "SmolLM3ForCausalLM"}, {"gemma3_text", "Gemma3ForCausalLM"}, {"gpt2", "GPT2LMHeadModel"}};

const char* class_of(std::string_view model_type) {
  for (const auto& [type, name] : kClasses)
    if (type == model_type) return name;
  return nullptr;
}

const char* dtype_text(DType type) {
  return type == DType::f32 ? "float32" : type == DType::bf16 ? "bfloat16" : "float16";
}

// A float as the shortest decimal number that becomes it again: 1e-06, not 9.999999974752427e-07.
double shortest(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

// The factors that Llama 3's models are published with: GGUF has what they make of the frequencies.
Result<Json> llama3_scaling(const Gguf& file, const RopeRule& rule) {
  const Llama3Scaling scaling = {.factor = *std::ranges::max_element(rule.factors)};
  RopeRule again = {.rotary = rule.rotary, .base = rule.base};
  apply_llama3(scaling, again);
  for (size_t i = 0; i < rule.factors.size(); ++i)
    if (std::fabs(again.factors[i] - rule.factors[i]) > 1e-3f * rule.factors[i])
      return unsupported(file.file() + ": rope_freqs.weight has " + std::to_string(rule.factors[i]) + " for pair " +
                         std::to_string(i) + ", needed: the " + std::to_string(again.factors[i]) +
                         " of Llama 3's rule, as config.json has no field for others");
  return Json{{"rope_type", "llama3"},
              {"factor", scaling.factor},
              {"low_freq_factor", scaling.low},
              {"high_freq_factor", scaling.high},
              {"original_max_position_embeddings", static_cast<int64_t>(scaling.original)}};
}

// null where positions are not stretched.
Result<Json> scaling_of(const Gguf& file, const DecoderFamily& family, const DecoderConfig& c) {
  const std::string at = std::string(family.architecture) + ".rope.scaling.";
  const RopeRule& rule = c.global;
  const auto type = file.string_or(at + "type", "none");
  if (!type) return type.status();
  if (*type == "yarn") {
    const auto factor = file.require_float(at + "factor");
    if (!factor) return factor.status();
    Json scaling = {{"rope_type", "yarn"}, {"factor", *factor}, {"attention_factor", rule.magnitude}};
    scaling["original_max_position_embeddings"] = *file.int_or(at + "original_context_length", c.positions);
    scaling["beta_fast"] = *file.float_or(at + "yarn_beta_fast", YarnScaling().beta_fast);
    scaling["beta_slow"] = *file.float_or(at + "yarn_beta_slow", YarnScaling().beta_slow);
    return scaling;
  }
  if (rule.position_scale != 1) return Json{{"rope_type", "linear"}, {"factor", rule.position_scale}};
  return rule.factors.empty() ? Result<Json>(Json(nullptr)) : llama3_scaling(file, rule);
}

Json id_of(const Gguf& file, const char* field, int64_t vocabulary) {
  const auto id = file.int_or(std::string("tokenizer.ggml.") + field, -1, {0, vocabulary - 1});
  return id && *id >= 0 ? Json(*id) : Json(nullptr);
}

Json gpt2_sizes(const DecoderConfig& c) {
  return {{"vocab_size", c.vocabulary}, {"n_positions", c.positions},        {"n_ctx", c.positions},
          {"n_embd", c.width},          {"n_layer", c.layers.size()},        {"n_head", c.heads},
          {"n_inner", c.intermediate},  {"activation_function", "gelu_new"}, {"layer_norm_epsilon", shortest(c.eps)}};
}

Json rotary_sizes(const DecoderConfig& c, const Json& scaling) {
  return {{"vocab_size", c.vocabulary},
          {"hidden_size", c.width},
          {"intermediate_size", c.intermediate},
          {"num_hidden_layers", c.layers.size()},
          {"num_attention_heads", c.heads},
          {"num_key_value_heads", c.kv_heads},
          {"head_dim", c.head_dim},
          {"max_position_embeddings", c.positions},
          {"rms_norm_eps", shortest(c.eps)},
          {"rope_theta", c.global.base},
          {"rope_scaling", scaling}};
}

// What one family has and the others have not.
Status add_family(const Gguf& file, const DecoderFamily& family, const DecoderConfig& c, Json& json) {
  if (family.gemma) {
    json["hidden_activation"] = "gelu_pytorch_tanh";
    json["query_pre_attn_scalar"] = std::llround(1 / (double{c.attention_scale} * c.attention_scale));
    json["sliding_window"] = c.window + 1;
    json["rope_local_base_freq"] = c.local.base;
  } else {
    json["hidden_act"] = "silu";
    json["attention_bias"] = c.out_bias;
    if (c.qkv_bias != (c.out_bias || family.qkv_bias))
      return unsupported(file.file() + ": queries, keys and values " + (c.qkv_bias ? "have" : "lack") +
                         " biases and the attention's output is another, needed: what " + family.model_type + " has");
  }
  std::vector<int> rotary;
  Json types = Json::array();
  for (const DecoderConfig::Layer& layer : c.layers) {
    rotary.push_back(layer.rotary ? 1 : 0);
    types.push_back(layer.sliding ? "sliding_attention" : "full_attention");
  }
  if (family.gemma) json["layer_types"] = types;
  if (family.no_rope > 0) json["no_rope_layers"] = rotary;
  return {};
}

}  // namespace

Result<std::string> hf_config_text(const Gguf& file, const DecoderFamily& family, const DecoderConfig& c, DType type) {
  const auto scaling = scaling_of(file, family, c);
  if (!scaling) return scaling.status();
  Json json = {
      {"architectures", {class_of(family.model_type)}},
      {"model_type", family.model_type},
  };
  json.update(family.gpt2 ? gpt2_sizes(c) : rotary_sizes(c, *scaling));
  json.update(Json{{"tie_word_embeddings", c.tied},
                   {"bos_token_id", id_of(file, "bos_token_id", c.vocabulary)},
                   {"eos_token_id", id_of(file, "eos_token_id", c.vocabulary)},
                   {"pad_token_id", id_of(file, "padding_token_id", c.vocabulary)},
                   {"torch_dtype", dtype_text(type)}});
  if (family.gpt2) return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (Status status = add_family(file, family, c, json); !status.ok()) return status;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lathe::models
