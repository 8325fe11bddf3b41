#include "models/pretrained.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/shown.h"
#include "formats/hf_config.h"
#include "models/decoder_config.h"
#include "models/decoder_names.h"
#include "models/decoder_tensors.h"
#include "models/train_layout.h"
#include "models/weight_binder.h"

namespace lathe::models {
namespace {

using Family = TrainConfig::Family;

constexpr std::string_view kGpt2Prefix = "transformer.", kLlamaPrefix = "model.";

Result<DecoderConfig> read_config(const WeightFiles& files) {
  if (const Llama2c* llama2c = files.llama2c()) return decoder_config_of(llama2c->header);
  if (const Gguf* gguf = files.gguf()) {
    const auto name = gguf->require_string("general.architecture");
    if (!name) return name.status();
    const std::string field = std::string(*name) + ".expert_count";
    const auto experts = gguf->int_or(field, 0, {0, INT32_MAX});
    if (!experts) return experts.status();
    if (*experts > 0)
      return unsupported(gguf->file() + ": " + field + " is " + std::to_string(*experts) + ", needed: none, to train");
    return read_decoder_gguf(*gguf);
  }
  const auto json = HfConfig::open(files.files().config + "/config.json");
  if (!json) return json.status();
  return read_decoder_config(*json);
}

// What training has nothing for, by the names that config.json has.
Status check_trainable(const DecoderConfig& c, const std::string& file) {
  const auto refused = [&](const std::string& found, const std::string& needed) {
    return unsupported(file + ": " + found + ", needed: " + needed + ", to train");
  };
  if (c.post_norms) return refused("the architecture is " + shown(c.architecture), "llama, qwen2, qwen3 or gpt2");
  for (size_t i = 0; i < c.layers.size(); ++i) {
    if (c.layers[i].sliding)
      return refused("layer " + std::to_string(i) + " has a sliding_window of " + std::to_string(c.window + 1), "none");
    if (!c.learned_positions && !c.layers[i].rotary)
      return refused("layer " + std::to_string(i) + " has no positions (no_rope_layers)", "rotary positions in all");
  }
  const RopeRule& rope = c.global;
  if (!c.learned_positions) {
    if (rope.position_scale != 1 || !rope.factors.empty() || rope.magnitude != 1)
      return refused("rope_scaling stretches the positions", "none");
    if (rope.rotary != c.head_dim)
      return refused(std::to_string(rope.rotary) + " elements of a head are rotated",
                     "all " + std::to_string(c.head_dim));
  }
  if (c.gated && c.activation != matmul::Activation::silu) return refused("hidden_act is another activation", "silu");
  if (c.gated && c.out_bias) return refused("attention_bias is true", "false");
  if (c.gated && c.ffn_bias) return refused("mlp_bias is true", "false");
  if (c.qkv_bias && c.query_key_norm)
    return refused("there are biases of queries and keys, and norms of heads too", "one or neither");
  return {};
}

Family family_of(const DecoderConfig& c) {
  if (c.layer_norms) return Family::gpt2;
  if (c.query_key_norm) return Family::qwen3;
  return c.qkv_bias ? Family::qwen2 : Family::llama;
}

TrainConfig train_config_of(const DecoderConfig& c) {
  TrainConfig t;
  t.family = family_of(c);
  t.vocabulary = c.vocabulary;
  t.width = c.width;
  t.layers = static_cast<int64_t>(c.layers.size());
  t.heads = c.heads;
  t.kv_heads = c.kv_heads;
  t.head_dim = c.head_dim;
  t.intermediate = c.intermediate;
  t.context = c.positions;
  t.tied = c.tied;
  t.eps = c.eps;
  if (!c.learned_positions) t.rope_base = c.global.base;
  return t;
}

// Where a tensor of the layout comes from: its name in the file, and the heads whose rows change places.
struct Place {
  std::string name;
  int64_t heads = 0;
  bool transposed = false;
};
using Places = std::map<std::string, Place, std::less<>>;

Places gpt2_gguf_places(const DecoderConfig& c) {
  Places places;
  for (const DecoderTensor& tensor : decoder_tensors(c, std::string(kGpt2Prefix), false))
    places[tensor.hugging_face] = {.name = tensor.gguf, .transposed = tensor.transposed};
  return places;
}

// GPT-2's files have "transformer." before their names, or nothing.
Places gpt2_places(const TensorTable& tensors, const TrainLayout& layout) {
  const bool prefixed = tensors.find(layout.tensors.front().name) != nullptr;
  Places places;
  for (const TrainTensor& tensor : layout.tensors)
    places[tensor.name] = {prefixed ? tensor.name : tensor.name.substr(kGpt2Prefix.size())};
  return places;
}

Places rotary_places(const WeightFiles& files, const DecoderConfig& c) {
  const std::string words = std::string(hugging_face_names(false).words) + ".weight";
  const std::string prefix = prefix_of(files.tensors(), kDecoderPrefixes, words);
  Places places;
  for (const DecoderTensor& tensor :
       decoder_tensors(c, std::string(kLlamaPrefix), c.pairing == rope::Pairing::interleaved)) {
    const std::string& name = tensor.hugging_face;
    const bool has_prefix = name.starts_with(kLlamaPrefix);
    places[name] = {files.gguf() != nullptr ? tensor.gguf
                    : has_prefix            ? prefix + name.substr(kLlamaPrefix.size())
                                            : name,
                    tensor.heads};
  }
  return places;
}

Status collect(const DecoderConfig& c, Pretrained& to) {
  const TrainLayout layout = train_layout(to.config);
  const TensorTable& from = to.files.tensors();
  const Places places = !c.layer_norms               ? rotary_places(to.files, c)
                        : to.files.gguf() != nullptr ? gpt2_gguf_places(c)
                                                     : gpt2_places(from, layout);
  for (const TrainTensor& tensor : layout.tensors) {
    const Place& place = places.at(tensor.name);
    const Shape shape(tensor.shape);
    const auto source = from.require(place.name, place.transposed ? Shape{shape[1], shape[0]} : shape);
    if (!source) return source.status();
    ExportTensor one;
    one.target = {tensor.name, DType::f32, shape, {}};
    one.source = *source;
    one.order = place.transposed ? RowOrder::transposed : place.heads > 0 ? RowOrder::to_halves : RowOrder::kept;
    one.heads = std::max<int64_t>(place.heads, 1);
    to.tensors.push_back(std::move(one));
  }
  return {};
}

}  // namespace

Result<Pretrained> Pretrained::open(const ModelFiles& files) {
  auto opened = WeightFiles::open(files);
  if (!opened) return opened.status();
  Pretrained model{.files = std::move(*opened)};
  const auto config = read_config(model.files);
  if (!config) return config.status();
  const bool folder = files.format == ModelFiles::Format::safetensors;
  const std::string file = folder ? files.config + "/config.json" : files.weights;
  if (Status status = check_trainable(*config, file); !status.ok()) return status;
  model.config = train_config_of(*config);
  if (Status status = check_train_config(model.config); !status.ok())
    return unsupported(file + ": " + status.message() + ", to train");
  if (Status status = collect(*config, model); !status.ok()) return status;
  return model;
}

}  // namespace lathe::models
