#include "models/decoder_config.h"

#include <gtest/gtest.h>

#include <cmath>

#include "formats/fake_bytes.h"
#include "formats/hf_config.h"

namespace lathe::models {
namespace {

// Fields that every family needs, and `more`.
std::string config(const std::string& type, const std::string& more = "") {
  return R"({"model_type": ")" + type + R"(", "hidden_size": 64, "num_hidden_layers": 8, "num_attention_heads": 4,
            "num_key_value_heads": 2, "intermediate_size": 96, "vocab_size": 100, "max_position_embeddings": 512)" +
         more + "}";
}

Result<DecoderConfig> read(const std::string& json) { return read_decoder_config(*HfConfig::parse(json, "f")); }

std::string error_of(const std::string& json) {
  const auto decoder = read(json);
  EXPECT_FALSE(decoder.ok());
  EXPECT_EQ(decoder.status().message().substr(0, 3), "f: ");
  return decoder.status().message();
}

std::string sliding_of(const DecoderConfig& decoder) {
  std::string flags;
  for (const auto& layer : decoder.layers) flags += layer.sliding ? 's' : '-';
  return flags;
}
std::string rotary_of(const DecoderConfig& decoder) {
  std::string flags;
  for (const auto& layer : decoder.layers) flags += layer.rotary ? 'r' : '-';
  return flags;
}

TEST(DecoderConfig, LlamaWithItsScaling) {
  const auto decoder = read(config("llama", R"(, "rms_norm_eps": 1e-5, "rope_theta": 500000, "rope_scaling": {
      "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
      "original_max_position_embeddings": 128})"));
  ASSERT_TRUE(decoder.ok()) << decoder.status().message();
  EXPECT_EQ(decoder->head_dim, 16);
  EXPECT_EQ(decoder->eps, 1e-5f);
  EXPECT_EQ(decoder->pairing, rope::Pairing::halves);
  EXPECT_FALSE(decoder->qkv_bias || decoder->tied || decoder->query_key_norm || decoder->post_norms);
  EXPECT_EQ(sliding_of(*decoder), "--------");
  EXPECT_EQ(decoder->global.base, 500000);
  ASSERT_EQ(decoder->global.factors.size(), 8u);
  EXPECT_EQ(decoder->global.factors.front(), 1.0f);  // the shortest wave, 6 positions, stays
  EXPECT_EQ(decoder->global.factors.back(), 8.0f);   // the longest is stretched whole
  EXPECT_EQ(decoder->local.factors, decoder->global.factors);
}

TEST(DecoderConfig, QwenWithItsBiasAndYarn) {
  const auto decoder = read(config("qwen2", R"(, "tie_word_embeddings": true, "use_sliding_window": true,
      "sliding_window": 100, "max_window_layers": 6, "rope_scaling": {"type": "yarn", "factor": 4,
      "original_max_position_embeddings": 128}, "rope_theta": 1000000.0)"));
  ASSERT_TRUE(decoder.ok()) << decoder.status().message();
  EXPECT_TRUE(decoder->qkv_bias && decoder->tied);
  EXPECT_FALSE(decoder->out_bias);
  EXPECT_EQ(sliding_of(*decoder), "------ss");
  EXPECT_EQ(decoder->window, 99);
  EXPECT_NEAR(decoder->global.magnitude, 1.1386294361, 1e-9);
  EXPECT_EQ(decoder->global.factors.front(), 1.0f);
  EXPECT_EQ(decoder->global.factors.back(), 4.0f);
  const auto without = read(config("qwen2", R"(, "use_sliding_window": false, "sliding_window": 100)"));
  EXPECT_EQ(sliding_of(*without), "--------");
}

TEST(DecoderConfig, Qwen3NormalisesHeads) {
  const auto decoder = read(config("qwen3", R"(, "head_dim": 32)"));
  ASSERT_TRUE(decoder.ok()) << decoder.status().message();
  EXPECT_TRUE(decoder->query_key_norm);
  EXPECT_FALSE(decoder->qkv_bias);
  EXPECT_EQ(decoder->head_dim, 32);
  EXPECT_FLOAT_EQ(decoder->attention_scale, 1 / std::sqrt(32.0f));
}

TEST(DecoderConfig, SmolLm3LeavesOutPositions) {
  EXPECT_EQ(rotary_of(*read(config("smollm3"))), "rrr-rrr-");
  EXPECT_EQ(rotary_of(*read(config("smollm3", R"(, "no_rope_layers": [1, 0, 1, 1, 0, 1, 1, 1])"))), "r-rr-rrr");
  EXPECT_TRUE(read(config("smollm3"))->tied);
  EXPECT_NE(error_of(config("smollm3", R"(, "no_rope_layers": [1, 0])")).find("no_rope_layers has 2 elements"),
            std::string::npos);
}

TEST(DecoderConfig, Gemma3InItsOldAndItsNewForm) {
  for (const char* ropes :
       {R"("rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "sliding_window_pattern": 3,
           "rope_scaling": {"rope_type": "linear", "factor": 8})",
        R"("layer_types": ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention",
           "sliding_attention", "full_attention", "sliding_attention", "sliding_attention"], "rope_parameters": {
           "full_attention": {"rope_type": "linear", "factor": 8, "rope_theta": 1000000.0},
           "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}})"}) {
    const auto decoder =
        read(config("gemma3_text", std::string(R"(, "sliding_window": 16, "query_pre_attn_scalar": 64, )") + ropes));
    ASSERT_TRUE(decoder.ok()) << decoder.status().message();
    EXPECT_EQ(sliding_of(*decoder), "ss-ss-ss");
    EXPECT_EQ(decoder->window, 15);
    EXPECT_EQ(decoder->embedding_scale, 8.0f);
    EXPECT_EQ(decoder->attention_scale, 0.125f);
    EXPECT_EQ(decoder->norm_offset, 1.0f);
    EXPECT_TRUE(decoder->post_norms && decoder->query_key_norm && decoder->tied);
    EXPECT_EQ(decoder->activation, matmul::Activation::gelu_tanh);
    EXPECT_EQ(decoder->global.base, 1e6);
    EXPECT_EQ(decoder->global.position_scale, 8);
    EXPECT_EQ(decoder->local.base, 1e4);
    EXPECT_EQ(decoder->local.position_scale, 1);
  }
}

TEST(DecoderConfig, WhatIsWrongIsNamed) {
  EXPECT_NE(error_of(config("mamba")).find("model_type is 'mamba', needed: one of llama, qwen2, qwen3, smollm3"),
            std::string::npos);
  EXPECT_NE(error_of("{}").find("model_type"), std::string::npos);
  EXPECT_NE(error_of(R"({"model_type": "llama"})").find("hidden_size"), std::string::npos);
  std::string odd = config("llama");
  odd.replace(odd.find("\"num_key_value_heads\": 2"), 24, "\"num_key_value_heads\": 3");
  EXPECT_NE(error_of(odd).find("num_key_value_heads is 3, needed: a divisor"), std::string::npos);
  EXPECT_NE(error_of(config("llama", R"(, "head_dim": 15)")).find("head_dim is 15"), std::string::npos);
  EXPECT_NE(error_of(config("llama", R"(, "mlp_bias": true)")).find("mlp_bias is true"), std::string::npos);
  EXPECT_NE(error_of(config("llama", R"(, "hidden_act": "relu")")).find("hidden_act is 'relu'"), std::string::npos);
  EXPECT_NE(error_of(config("llama", R"(, "rope_scaling": {"type": "dynamic"})")).find("rope_scaling.type"),
            std::string::npos);
  EXPECT_NE(error_of(config("llama", R"(, "rope_scaling": {"type": "linear"})")).find("rope_scaling.factor"),
            std::string::npos);
  EXPECT_NE(error_of(config("llama", R"(, "rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4,
                                          "high_freq_factor": 4})"))
                .find("high_freq_factor"),
            std::string::npos);
  EXPECT_NE(error_of(config("gemma3_text")).find("sliding_window"), std::string::npos);
  EXPECT_NE(error_of(config("gemma3_text", R"(, "use_bidirectional_attention": true, "sliding_window": 4)"))
                .find("use_bidirectional_attention"),
            std::string::npos);
  EXPECT_NE(error_of(config("qwen3", R"(, "layer_types": ["full_attention"])")).find("layer_types has 1 elements"),
            std::string::npos);
}

// The fields and the one tensor that a description reads.
FakeGguf gguf(const std::string& architecture) {
  FakeGguf file;
  file.key("general.architecture", 8, FakeGguf::text(architecture));
  const std::string at = architecture + ".";
  file.u32(at + "embedding_length", 64).u32(at + "block_count", 6).u32(at + "attention.head_count", 4);
  file.u32(at + "attention.head_count_kv", 2).u32(at + "feed_forward_length", 96).u32(at + "context_length", 512);
  file.key(at + "attention.layer_norm_rms_epsilon", 6, raw(1e-5f));
  file.tensor("token_embd.weight", {64, 1}, 0, 0);
  file.data = std::string(256, '\0');
  return file;
}

Result<DecoderConfig> read(FakeGguf& file) {
  const std::string bytes = file.bytes();
  return read_decoder_gguf(*Gguf::parse(as_bytes(bytes), "f"));
}

TEST(DecoderConfig, GgufSaysTheSameInItsWords) {
  FakeGguf file = gguf("llama");
  file.key("llama.rope.freq_base", 6, raw(500000.0f));
  auto decoder = read(file);
  ASSERT_TRUE(decoder.ok()) << decoder.status().message();
  EXPECT_EQ(decoder->pairing, rope::Pairing::interleaved);  // the converter turns queries and keys
  EXPECT_EQ(decoder->global.base, 500000);
  EXPECT_EQ(decoder->vocabulary, 1);
  EXPECT_TRUE(decoder->tied);  // there is no output.weight
  file = gguf("gemma3");
  file.u32("gemma3.attention.sliding_window", 16).u32("gemma3.attention.key_length", 32);
  file.u32("gemma3.attention.value_length", 32);
  decoder = read(file);
  ASSERT_TRUE(decoder.ok()) << decoder.status().message();
  EXPECT_EQ(sliding_of(*decoder), "sssss-");
  EXPECT_EQ(decoder->norm_offset, 0.0f);  // its norms are whole
  EXPECT_EQ(decoder->global.base, 1e6);
  EXPECT_EQ(decoder->local.base, 1e4);
  file = gguf("smollm3");
  EXPECT_EQ(rotary_of(*read(file)), "rrr-rr");
}

TEST(DecoderConfig, GgufNamesWhatIsWrong) {
  FakeGguf file = gguf("mamba");
  EXPECT_NE(read(file).status().message().find("general.architecture is 'mamba', needed: one of llama, qwen2"),
            std::string::npos);
  file = gguf("qwen2");
  file.key("qwen2.rope.scaling.type", 8, FakeGguf::text("longrope"));
  EXPECT_NE(read(file).status().message().find("qwen2.rope.scaling.type is 'longrope'"), std::string::npos);
  file = gguf("gemma3");
  EXPECT_NE(read(file).status().message().find("gemma3.attention.sliding_window"), std::string::npos);
  file = gguf("llama");
  file.u32("llama.rope.dimension_count", 17);
  EXPECT_NE(read(file).status().message().find("llama.rope.dimension_count is 17"), std::string::npos);
}

}  // namespace
}  // namespace lathe::models
