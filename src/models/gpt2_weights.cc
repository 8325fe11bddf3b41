#include "models/gpt2_weights.h"

#include <string>
#include <utility>

namespace lathe::models {
namespace {

class Gpt2Binder {
 public:
  Gpt2Binder(WeightBinder& bind, const DecoderConfig& config, const Gpt2Names& names, bool gguf)
      : bind_(bind), c_(config), names_(names), gguf_(gguf) {}

  DecoderLayer layer(size_t i) {
    const std::string at = names_.layers + std::to_string(i) + ".";
    DecoderLayer bound;
    bound.attention_norm = bind_.norm(at + names_.attention_norm, c_.width);
    bound.qkv.push_back(linear(at + names_.qkv, 3 * c_.width, c_.width));
    bound.out = linear(at + names_.out, c_.width, c_.width);
    bound.ffn_norm = bind_.norm(at + names_.ffn_norm, c_.width);
    bound.gate_up.push_back(linear(at + names_.up, c_.intermediate, c_.width));
    bound.down = linear(at + names_.down, c_.width, c_.intermediate);
    return bound;
  }

 private:
  LinearWeights linear(const std::string& name, int64_t out, int64_t in) {
    return gguf_ ? bind_.linear(name, out, in, true) : bind_.conv1d(name, out, in);
  }

  WeightBinder& bind_;
  const DecoderConfig& c_;
  const Gpt2Names& names_;
  const bool gguf_;
};

}  // namespace

Result<DecoderWeights> bind_gpt2(const DecoderConfig& config, const TensorTable& tensors, StoredType stored, Team* team,
                                 ops::PackedStore* store) {
  const bool gguf = tensors.find("token_embd.weight") != nullptr;
  const Gpt2Names& names = gguf ? kGpt2Gguf : kGpt2HuggingFace;
  const std::string words = std::string(names.words) + ".weight";
  WeightBinder bind(tensors, prefix_of(tensors, kGpt2Prefixes, words), stored, team, store);
  DecoderWeights bound;
  bound.words = bind.table(words, {config.vocabulary, config.width});
  bound.positions = bind.table(std::string(names.positions) + ".weight", {config.positions, config.width});
  bound.norm = bind.norm(names.norm, config.width);
  Gpt2Binder layers(bind, config, names, gguf);
  // A hostile count of layers ends at the first that is missing.
  for (size_t i = 0; i < config.layers.size() && bind.status().ok(); ++i) bound.layers.push_back(layers.layer(i));
  if (!bind.status().ok()) return bind.status();
  WeightBinder bind_head(tensors, "", stored, team, store);  // its name has no prefix
  WeightBinder& head = config.tied ? bind : bind_head;
  bound.head = head.linear(config.tied ? names.words : names.head, config.vocabulary, config.width, false);
  if (!head.status().ok()) return head.status();
  return bound;
}

}  // namespace lathe::models
