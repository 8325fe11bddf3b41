#include "models/gguf_tokenizer.h"

#include <optional>
#include <string>
#include <vector>

namespace lathe::models {
namespace {

constexpr std::string_view kPrefix = "tokenizer.ggml.";

std::string key_of(std::string_view field) { return std::string(kPrefix).append(field); }

// What the fields give, until one of them is wrong.
class Reader {
 public:
  explicit Reader(const Gguf& file) : file_(file) {}

  template <class T>
  T take(Result<T> result) {
    if (result.ok()) return std::move(*result);
    if (status_.ok()) status_ = result.status();
    return {};
  }
  std::string_view text(std::string_view field) { return take(file_.string_or(key_of(field), "")); }
  int32_t id(std::string_view field) {
    return static_cast<int32_t>(take(file_.int_or(key_of(field), -1, {0, INT32_MAX})));
  }
  std::optional<bool> flag(std::string_view field) {
    if (!file_.has(key_of(field))) return std::nullopt;
    return take(file_.require_bool(key_of(field)));
  }
  std::vector<std::string_view> texts(std::string_view field) {
    if (!file_.has(key_of(field))) return {};
    return take(file_.require_strings(key_of(field)));
  }
  std::vector<float> floats(std::string_view field) {
    if (!file_.has(key_of(field))) return {};
    return take(file_.require_floats(key_of(field)));
  }
  std::vector<int32_t> types(std::string_view field) {
    if (!file_.has(key_of(field))) return {};
    const auto wide = take(file_.require_ints(key_of(field), {INT32_MIN, INT32_MAX}));
    return {wide.begin(), wide.end()};
  }
  std::string_view bytes(std::string_view field) const {
    const auto found = file_.byte_array(key_of(field));
    return found ? std::string_view(reinterpret_cast<const char*>(found->data()), found->size()) : std::string_view();
  }
  const Status& status() const { return status_; }

 private:
  const Gguf& file_;
  Status status_;
};

// `use` has the vocabulary while the call lasts.
template <class Use>
auto with_vocab(const Gguf& file, Use&& use) -> decltype(use(tokenize::GgufVocab())) {
  Reader read(file);
  const auto tokens = read.texts("tokens"), merges = read.texts("merges");
  const auto scores = read.floats("scores");
  const auto types = read.types("token_type");
  const tokenize::GgufVocab vocab{
      .model = read.text("model"),
      .pre = read.text("pre"),
      .tokens = tokens,
      .scores = scores,
      .token_types = types,
      .merges = merges,
      .precompiled_charsmap = read.bytes("precompiled_charsmap"),
      // "seperator" is how the format spells it.
      .special = {.cls = read.id("cls_token_id"),
                  .sep = read.id("seperator_token_id"),
                  .bos = read.id("bos_token_id"),
                  .eos = read.id("eos_token_id"),
                  .pad = read.id("padding_token_id"),
                  .unk = read.id("unknown_token_id"),
                  .mask = read.id("mask_token_id")},
      .add_bos = read.flag("add_bos_token"),
      .add_eos = read.flag("add_eos_token"),
      .add_space_prefix = read.flag("add_space_prefix"),
      .remove_extra_whitespaces = read.flag("remove_extra_whitespaces"),
  };
  if (!read.status().ok()) return read.status();
  return use(vocab);
}

}  // namespace

Result<tokenize::Tokenizer> tokenizer_of(const Gguf& file) {
  return with_vocab(file, [&](const tokenize::GgufVocab& v) { return tokenize::Tokenizer::from_gguf(file.file(), v); });
}

Result<tokenize::JsonExport> tokenizer_json_of(const Gguf& file) {
  const auto chat = file.string_or("tokenizer.chat_template", "");
  if (!chat) return chat.status();
  return with_vocab(file, [&](const tokenize::GgufVocab& v) { return tokenize::export_json(file.file(), v, *chat); });
}

}  // namespace lathe::models
