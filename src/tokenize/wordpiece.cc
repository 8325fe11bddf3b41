#include "tokenize/wordpiece.h"

#include <algorithm>
#include <span>

#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

struct Piece {
  int32_t id = -1;
  size_t length = 0;
};

// The longest piece that `rest` begins with. A piece that is valid text ends where a code point ends, so every byte
// may be tried.
Piece longest_piece(const PieceIndex& index, std::string_view rest) {
  Piece best;
  PieceHash hash;
  const size_t most = std::min(index.longest(), rest.size());
  for (size_t i = 0; i < most; ++i) {
    hash.add(rest[i]);
    if (i + 1 < rest.size() && is_continuation(rest[i + 1])) continue;
    const int32_t id = index.find(hash, rest.substr(0, i + 1));
    if (id >= 0) best = {id, i + 1};
  }
  return best;
}

bool longer_than(std::string_view word, int64_t code_points) {
  if (static_cast<int64_t>(word.size()) <= code_points) return false;
  return std::count_if(word.begin(), word.end(), [](char c) { return !is_continuation(c); }) > code_points;
}

}  // namespace

void WordPiece::encode_new(std::string_view word, WorkspaceState& work, std::vector<int32_t>& out) const {
  if (longer_than(word, options_.longest_word)) return out.push_back(options_.unknown);
  const size_t begin = out.size();
  const int32_t whole = beginnings_.find(word);
  if (whole >= 0) {
    out.push_back(whole);
  } else {
    for (size_t at = 0; at < word.size();) {
      const Piece piece = longest_piece(at == 0 ? beginnings_ : continuations_, word.substr(at));
      if (piece.id < 0) {
        out.resize(begin);
        out.push_back(options_.unknown);
        break;
      }
      out.push_back(piece.id);
      at += piece.length;
    }
  }
  work.cache.remember(word, std::span(out).subspan(begin));
}

}  // namespace lathe::tokenize
