// How SentencePiece prepares a text: the character map, spaces gathered and marked by U+2581, one put in front.
#pragma once

#include "tokenize/charsmap.h"
#include "tokenize/normalizer.h"
#include "tokenize/trie.h"

namespace lathe::tokenize {

struct SentencePieceRules {
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool whitespace_as_suffix = false;
};

class SentencePieceNormalizer : public Normalizer {
 public:
  // Texts that `verbatim` begins with stay as they are: the user-defined pieces.
  SentencePieceNormalizer(SentencePieceRules rules, Charsmap map, Trie verbatim)
      : rules_(rules), map_(std::move(map)), verbatim_(std::move(verbatim)) {}
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;

 private:
  struct Step {
    std::string_view normalized;
    size_t length;
  };
  Step first(std::string_view text) const;

  SentencePieceRules rules_;
  Charsmap map_;
  Trie verbatim_;
};

}  // namespace lathe::tokenize
