#include "models/train_encoder_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/bounded_json.h"
#include "base/shown.h"
#include "formats/hf_config.h"
#include "models/field_reader.h"

namespace lathe::models {
namespace {

constexpr int64_t kLargestFile = 1 << 20;  // bytes
constexpr IntRange kSize{1, 1 << 20};      // products of two stay within 63 bits, and of three with the layers
constexpr IntRange kLayers{1, 1024};
constexpr std::array<std::string_view, 9> kKeys = {"family",  "width",      "layers", "heads",     "intermediate",
                                                   "context", "vocabulary", "eps",    "init_scale"};

// A key that nobody reads is a mistyped one.
Status check_keys(std::string_view text, const std::string& file) {
  const auto json = parse_json(text, file);
  if (!json) return json.status();
  if (!json->is_object()) return corrupt(file + ": is no JSON object, needed: one");
  for (const auto& item : json->items())
    if (std::ranges::find(kKeys, item.key()) == kKeys.end())
      return invalid_argument(
          fmt::format("{}: the field {} is none of {}", file, shown(item.key()), fmt::join(kKeys, ", ")));
  return {};
}

}  // namespace

Result<EncoderDescription> read_encoder_description(const std::string& path, int64_t vocabulary) {
  const auto text = read_file(path, kLargestFile);
  if (!text) return text.status();
  if (Status status = check_keys(*text, path); !status.ok()) return status;
  const auto fields = HfConfig::parse(*text, path);
  if (!fields) return fields.status();
  FieldReader read(*fields);
  const std::string_view family = read.text("family");
  EncoderDescription made;
  BertConfig& c = made.bert;
  c.width = read.count("width", kSize);
  c.layers = read.count("layers", kLayers);
  c.heads = read.count("heads", kSize);
  c.intermediate = read.count_or("intermediate", 4 * c.width, kSize);
  c.positions = read.count("context", kSize);
  c.vocabulary = read.count_or("vocabulary", vocabulary, kSize);
  c.types = 2;  // as BERT has it; the second is not learned
  c.eps = static_cast<float>(read.number_or("eps", 1e-12, {1e-30, 1}));
  made.init_scale = static_cast<float>(read.number_or("init_scale", 0.02, {0, 1e3}));
  if (!read.status().ok()) return read.status();
  if (family != "bert")
    return invalid_argument(fmt::format("{}: family is {}, needed: bert, an encoder", path, shown(family)));
  if (c.width % c.heads != 0)
    return invalid_argument(
        fmt::format("{}: width is {} and heads is {}, needed: a width that heads divide", path, c.width, c.heads));
  if (c.vocabulary < vocabulary)
    return invalid_argument(fmt::format("{}: vocabulary is {}, needed: the {} tokens of the tokenizer or more", path,
                                        c.vocabulary, vocabulary));
  return made;
}

std::string encoder_hf_config(const BertConfig& c, int32_t pad) {
  const nlohmann::ordered_json json = {{"architectures", {"BertModel"}},
                                       {"model_type", "bert"},
                                       {"vocab_size", c.vocabulary},
                                       {"hidden_size", c.width},
                                       {"num_hidden_layers", c.layers},
                                       {"num_attention_heads", c.heads},
                                       {"intermediate_size", c.intermediate},
                                       {"hidden_act", "gelu"},
                                       {"max_position_embeddings", c.positions},
                                       {"type_vocab_size", c.types},
                                       {"layer_norm_eps", std::strtod(fmt::format("{}", c.eps).c_str(), nullptr)},
                                       {"hidden_dropout_prob", 0.0},
                                       {"attention_probs_dropout_prob", 0.0},
                                       {"pad_token_id", std::max(0, pad)},
                                       {"position_embedding_type", "absolute"},
                                       {"torch_dtype", "float32"}};
  return json.dump(2) + "\n";
}

}  // namespace lathe::models
