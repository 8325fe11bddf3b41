// The texts of a vocabulary as a tree, so that what a grammar refuses of many tokens is refused once.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "tokenize/tokenizer.h"

namespace lathe::grammar {

class TokenTrie {
 public:
  // In depth-first order: what follows a node, up to `end`, begins with its text.
  struct Node {
    uint32_t end;
    uint32_t tokens;  // the first of its tokens in tokens()
    uint32_t count;   // of its tokens
    uint16_t depth;   // bytes of its text, 1 and more
    uint8_t byte;     // the last of its text
  };

  // The text of each token by id; a token whose text is empty is never allowed. Few and short ones only, in all at most
  // 64 MiB.
  static Result<TokenTrie> create(std::vector<std::string> texts);
  // What each token adds to a text; nothing for special tokens. Those below `vocabulary`: a tokenizer may have more
  // than a model has logits for.
  static Result<TokenTrie> of(const tokenize::Tokenizer& tokenizer,
                              int64_t vocabulary = std::numeric_limits<int32_t>::max());

  std::span<const Node> nodes() const { return nodes_; }
  std::span<const int32_t> tokens() const { return tokens_; }
  size_t deepest() const { return deepest_; }
  int64_t size() const { return static_cast<int64_t>(texts_.size()); }
  std::string_view text(int32_t token) const { return texts_[static_cast<size_t>(token)]; }

 private:
  std::vector<std::string> texts_;
  std::vector<int32_t> tokens_;  // with a text, in the order of their texts
  std::vector<Node> nodes_;
  size_t deepest_ = 0;
};

}  // namespace lathe::grammar
