#include "grammar/token_trie.h"

#include <fmt/format.h>

#include <algorithm>

namespace lathe::grammar {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;
constexpr size_t kLongest = 4096;  // of one token; a longer one is never allowed

}  // namespace

Result<TokenTrie> TokenTrie::of(const tokenize::Tokenizer& tokenizer, int64_t vocabulary) {
  const auto count = static_cast<int32_t>(std::min<int64_t>(tokenizer.vocab_size(), vocabulary));
  std::vector<std::string> texts(static_cast<size_t>(count));
  for (int32_t id = 0; id < count; ++id) {
    if (tokenizer.is_special(id)) continue;
    if (Status status = tokenizer.append_bytes(id, texts[static_cast<size_t>(id)]); !status.ok()) return status;
  }
  return create(std::move(texts));
}

Result<TokenTrie> TokenTrie::create(std::vector<std::string> texts) {
  TokenTrie made;
  size_t bytes = 0;
  for (size_t id = 0; id < texts.size(); ++id) {
    bytes += texts[id].size();
    if (!texts[id].empty() && texts[id].size() <= kLongest) made.tokens_.push_back(static_cast<int32_t>(id));
  }
  if (bytes > kMostBytes)
    return invalid_argument(
        fmt::format("the texts of the vocabulary have {} bytes together, at most {} are taken", bytes, kMostBytes));
  made.texts_ = std::move(texts);
  std::sort(made.tokens_.begin(), made.tokens_.end(), [&made](int32_t a, int32_t b) {
    const int order = made.text(a).compare(made.text(b));
    return order != 0 ? order < 0 : a < b;
  });

  std::vector<uint32_t> open;  // the nodes of the text at hand, by depth
  const auto close_to = [&](size_t depth) {
    for (; open.size() > depth; open.pop_back())
      made.nodes_[open.back()].end = static_cast<uint32_t>(made.nodes_.size());
  };
  std::string_view before;
  for (size_t i = 0; i < made.tokens_.size(); ++i) {
    const std::string_view text = made.text(made.tokens_[i]);
    const auto differs = std::mismatch(text.begin(), text.end(), before.begin(), before.end());
    close_to(static_cast<size_t>(differs.first - text.begin()));
    while (open.size() < text.size()) {
      const auto byte = static_cast<uint8_t>(text[open.size()]);
      open.push_back(static_cast<uint32_t>(made.nodes_.size()));
      made.nodes_.push_back({0, static_cast<uint32_t>(i), 0, static_cast<uint16_t>(open.size()), byte});
    }
    ++made.nodes_[open.back()].count;
    made.deepest_ = std::max(made.deepest_, text.size());
    before = text;
  }
  close_to(0);
  return made;
}

}  // namespace lathe::grammar
