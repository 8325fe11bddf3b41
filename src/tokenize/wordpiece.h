// WordPiece: from the left, the longest piece that fits; a word with a rest that fits nowhere is unknown as a whole.
#pragma once

#include <string>

#include "tokenize/model.h"
#include "tokenize/vocab.h"

namespace lathe::tokenize {

class WordPiece : public Model {
 public:
  struct Options {
    int32_t unknown = 0;
    int64_t longest_word = 100;  // in code points; a longer one is unknown
  };
  // `beginnings` finds pieces at the start of a word, `continuations` behind it.
  WordPiece(PieceIndex beginnings, PieceIndex continuations, Options options)
      : beginnings_(std::move(beginnings)), continuations_(std::move(continuations)), options_(options) {}

 private:
  void encode_new(std::string_view word, WorkspaceState& work, std::vector<int32_t>& out) const override;

  PieceIndex beginnings_, continuations_;
  Options options_;
};

}  // namespace lathe::tokenize
