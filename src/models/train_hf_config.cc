#include "models/train_hf_config.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace lathe::models {
namespace {

using Json = nlohmann::ordered_json;

// A float as the shortest decimal number that becomes it again.
double shortest(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

Json id(int32_t token) { return token >= 0 ? Json(token) : Json(nullptr); }

Json gpt2(const TrainConfig& c) {
  return {{"architectures", {"GPT2LMHeadModel"}},
          {"model_type", "gpt2"},
          {"vocab_size", c.vocabulary},
          {"n_positions", c.context},
          {"n_ctx", c.context},
          {"n_embd", c.width},
          {"n_layer", c.layers},
          {"n_head", c.heads},
          {"n_inner", c.intermediate},
          {"activation_function", "gelu_new"},
          {"layer_norm_epsilon", shortest(c.eps)},
          {"tie_word_embeddings", c.tied}};
}

const char* class_of(TrainConfig::Family family) {
  if (family == TrainConfig::Family::qwen2) return "Qwen2ForCausalLM";
  return family == TrainConfig::Family::qwen3 ? "Qwen3ForCausalLM" : "LlamaForCausalLM";
}

Json rotary(const TrainConfig& c) {
  Json json = {{"architectures", {class_of(c.family)}},
               {"model_type", family_name(c.family)},
               {"vocab_size", c.vocabulary},
               {"hidden_size", c.width},
               {"intermediate_size", c.intermediate},
               {"num_hidden_layers", c.layers},
               {"num_attention_heads", c.heads},
               {"num_key_value_heads", c.kv_heads},
               {"head_dim", c.head_dim},
               {"hidden_act", "silu"},
               {"max_position_embeddings", c.context},
               {"rms_norm_eps", shortest(c.eps)},
               {"rope_theta", c.rope_base},
               {"rope_scaling", nullptr},
               {"mlp_bias", false},
               {"tie_word_embeddings", c.tied}};
  // Where the field is true, Qwen2's readers give the attention's output a bias too.
  if (c.family != TrainConfig::Family::qwen2) json["attention_bias"] = false;
  return json;
}

}  // namespace

std::string train_hf_config(const TrainConfig& c, int32_t bos, int32_t eos) {
  Json json = c.family == TrainConfig::Family::gpt2 ? gpt2(c) : rotary(c);
  json["bos_token_id"] = id(bos);
  json["eos_token_id"] = id(eos);
  json["torch_dtype"] = "float32";
  return json.dump(2) + "\n";
}

}  // namespace lathe::models
