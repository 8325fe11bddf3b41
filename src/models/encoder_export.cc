#include "models/encoder_export.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/sentence_transformer.h"
#include "models/bert_config.h"
#include "models/bert_weights.h"
#include "models/weight_binder.h"
#include "tokenize/export_vocab.h"

namespace lathe::models {
namespace {

constexpr std::string_view kMark = "\u2581";  // in GGUF it begins a word, and what goes on has no "##"

Result<uint32_t> pooling_type(const std::string& folder) {
  const auto extras = open_sentence_transformer(folder);
  if (!extras) return extras.status();
  if (!*extras) return 1;  // a mean, as sentence-transformers takes it
  if (!(*extras)->dense.empty()) return unsupported(folder + ": has a Dense module, needed for GGUF's bert: none");
  constexpr std::pair<Pooling, uint32_t> kTypes[] = {{Pooling::mean, 1}, {Pooling::cls, 2}, {Pooling::last_token, 3}};
  for (const auto& [pooling, type] : kTypes)
    if ((*extras)->pooling == std::vector{pooling}) return type;
  return unsupported(folder + ": its pooling is another than mean, cls or last token, needed for GGUF: one of them");
}

// GGUF has no field for case and accents: its readers lower texts where no piece has an upper-case letter.
Status check_case(const tokenize::Tokenizer& tokenizer, const std::string& file) {
  bool upper = false;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id)
    upper |= !tokenizer.is_special(id) &&
             std::ranges::any_of(tokenizer.piece(id), [](char c) { return c >= 'A' && c <= 'Z'; });
  const auto same = [&](std::string_view a, std::string_view b) {
    const auto first = tokenizer.encode(a), second = tokenizer.encode(b);
    return first && second && first->ids == second->ids;
  };
  if (same("A", "a") != upper && same("\u00e9", "e") != upper) return {};
  return unsupported(file +
                     ": what it does with case and accents is not what its pieces tell, needed for GGUF, which "
                     "has no field for it: lower case without accents, or pieces with upper-case letters");
}

Status add_tokenizer(const ModelFiles& files, const BertConfig& c, GgufExport& made) {
  const auto tokenizer = made.files.tokenizer();
  if (!tokenizer) return tokenizer.status();
  if (tokenizer->kind() != "WordPiece")
    return unsupported(files.tokenizer + ": the tokenizer is of the kind " + std::string(tokenizer->kind()) +
                       ", needed for GGUF's bert: WordPiece");
  if (tokenizer->vocab_size() > c.vocabulary)
    return unsupported(files.tokenizer + ": has " + std::to_string(tokenizer->vocab_size()) +
                       " tokens, needed: at most the " + std::to_string(c.vocabulary) + " of the model");
  if (Status status = check_case(*tokenizer, files.tokenizer); !status.ok()) return status;
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  for (int32_t id = 0; id < static_cast<int32_t>(c.vocabulary); ++id) {
    const bool known = id < tokenizer->vocab_size(), special = known && tokenizer->is_special(id);
    const std::string piece = known ? std::string(tokenizer->piece(id)) : "[PAD" + std::to_string(id) + "]";
    const bool as_it_is = !known || (piece.starts_with('[') && piece.ends_with(']'));
    tokens.push_back(as_it_is ? piece : piece.starts_with("##") ? piece.substr(2) : std::string(kMark) + piece);
    types.push_back(special ? tokenize::kControlToken : known ? tokenize::kNormalToken : tokenize::kUnusedToken);
  }
  const std::vector<std::string_view> views(tokens.begin(), tokens.end());
  const std::string at = "tokenizer.ggml.";
  made.metadata.add(at + "model", "bert");
  made.metadata.add(at + "pre", "default");
  made.metadata.add_array(at + "tokens", std::span<const std::string_view>(views));
  made.metadata.add_array(at + "token_type", std::span<const int32_t>(types));
  made.metadata.add(at + "token_type_count", static_cast<uint32_t>(c.types));
  const tokenize::SpecialIds& special = tokenizer->special();
  const std::pair<const char*, int32_t> ids[] = {
      {"bos", special.cls},     {"eos", special.sep},     {"cls", special.cls},  {"seperator", special.sep},  // sic
      {"padding", special.pad}, {"unknown", special.unk}, {"mask", special.mask}};
  for (const auto& [name, id] : ids)
    if (id >= 0) made.metadata.add(at + name + "_token_id", static_cast<uint32_t>(id));
  return {};
}

void add_sizes(const BertConfig& c, uint32_t pooling, GgufMetadata& to) {
  const auto add = [&](const char* name, int64_t value) {
    to.add(std::string("bert.") + name, static_cast<uint32_t>(value));
  };
  add("block_count", c.layers);
  add("context_length", c.positions);
  add("embedding_length", c.width);
  add("feed_forward_length", c.intermediate);
  add("attention.head_count", c.heads);
  to.add("bert.attention.layer_norm_epsilon", c.eps);
  to.add("bert.attention.causal", false);
  to.add("bert.pooling_type", pooling);
}

Status add_tensors(const BertConfig& c, GgufExport& made) {
  const TensorTable& from = made.files.tensors();
  constexpr const char* kPrefixes[] = {"", "bert.", "model."};
  const auto tensors = bert_tensor_names(c.layers);
  const std::string prefix = prefix_of(from, kPrefixes, tensors.front().first);
  for (const auto& [hugging_face, gguf] : tensors) {
    const TensorView* source = from.find(prefix + hugging_face);
    if (source == nullptr)
      return corrupt(made.files.files().weights + ": tensor " + prefix + hugging_face + " is missing");
    ExportTensor one;
    one.target = {gguf, source->dtype, source->shape, {}};
    one.source = source;
    made.tensors.push_back(std::move(one));
  }
  return {};
}

}  // namespace

Status export_encoder(const Fields& config, GgufExport& made) {
  const ModelFiles files = made.files.files();
  const auto bert = read_bert_config(config);
  if (!bert) return bert.status();
  if (bert->activation != matmul::Activation::gelu_erf)
    return unsupported(config.file() +
                       ": hidden_act is another than gelu, needed for GGUF, which has no field for it: "
                       "gelu");
  const auto pooling = pooling_type(files.folder);
  if (!pooling) return pooling.status();
  std::error_code error;
  const auto folder = std::filesystem::canonical(files.folder, error);
  made.layers = bert->layers;
  made.metadata.add("general.architecture", "bert");
  made.metadata.add("general.type", "model");
  made.metadata.add("general.name", error ? files.folder : folder.filename().string());
  add_sizes(*bert, *pooling, made.metadata);
  if (Status status = add_tokenizer(files, *bert, made); !status.ok()) return status;
  return add_tensors(*bert, made);
}

}  // namespace lathe::models
