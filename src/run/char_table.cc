#include "run/char_table.h"

#include <nlohmann/json.hpp>

#include "tokenize/byte_alphabet.h"
#include "tokenize/utf8.h"

namespace lathe::run {
namespace {

constexpr size_t kCodePoints = 0x110000;

// Calls `each` with the code points of `text`, U+FFFD for what is not valid.
template <class Each>
void visit_characters(std::string_view text, const Each& each) {
  std::string mended;
  if (!tokenize::is_valid_utf8(text)) {
    tokenize::append_valid(text, mended);
    text = mended;
  }
  while (!text.empty()) {
    const auto [value, length] = tokenize::first_code_point(text);
    each(value);
    text.remove_prefix(length);
  }
}

}  // namespace

CharTable::CharTable() : ids_(kCodePoints, -1) {}

void CharTable::add(std::string_view text) {
  visit_characters(text, [&](uint32_t c) { ids_[c] = 0; });
}

void CharTable::number() {
  for (uint32_t c = 0; c < kCodePoints; ++c)
    if (ids_[c] >= 0) {
      ids_[c] = static_cast<int32_t>(characters_.size());
      characters_.push_back(c);
    }
}

void CharTable::encode(std::string_view text, std::vector<int32_t>& ids) const {
  visit_characters(text, [&](uint32_t c) { ids.push_back(ids_[c]); });
}

bool CharTable::is_ascii() const { return characters_.empty() || characters_.back() < 0x80; }

std::string CharTable::tokenizer_json() const {
  using Json = nlohmann::ordered_json;
  const bool bytes = is_ascii();
  Json vocab = Json::object();
  for (const uint32_t c : characters_) {
    std::string piece;
    if (bytes)
      piece = tokenize::byte_alphabet()[c];
    else
      tokenize::append_code_point(c, piece);
    vocab[piece] = ids_[c];
  }
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  const Json json = {{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", Json::array()},
                     {"normalizer", nullptr},
                     {"pre_tokenizer", bytes ? byte_level : Json(nullptr)},
                     {"post_processor", nullptr},
                     {"decoder", bytes ? byte_level : Json{{"type", "Fuse"}}},
                     {"model",
                      {{"type", "BPE"},
                       {"dropout", nullptr},
                       {"unk_token", nullptr},
                       {"continuing_subword_prefix", nullptr},
                       {"end_of_word_suffix", nullptr},
                       {"fuse_unk", false},
                       {"byte_fallback", false},
                       {"ignore_merges", false},
                       {"vocab", std::move(vocab)},
                       {"merges", Json::array()}}}};
  return json.dump(1) + "\n";
}

}  // namespace lathe::run
