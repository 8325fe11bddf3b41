// Tokens that are found in the text itself, before the model sees what lies between them: special ones ([CLS]) and
// words that were added to a vocabulary.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/trie.h"

namespace lathe::tokenize {

struct AddedToken {
  std::string content = {};
  int32_t id = -1;
  bool special = false;
  bool left_strip = false, right_strip = false;  // takes the spaces beside it
  bool single_word = false;                      // not inside a word
  bool normalized = false;                       // is looked for in the normalized text
};

// Bytes of one token's content. Gemma's longest are runs of 31 line breaks.
constexpr size_t kLongestAddedToken = 4096;

class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);  // their contents not empty

  struct Part {
    size_t begin, end;
    int32_t id;  // -1: text between tokens
  };
  // Calls part(Part) for the tokens and the texts between them, from left to right; of tokens that begin at one place
  // the longest counts. Special ones are text like any other where they are not allowed.
  template <class Visit>
  void split(std::string_view text, bool allow_special, Visit&& visit) const {
    size_t done = 0;
    for (size_t at = 0; !tokens_.empty() && at < text.size();) {
      if (!begins_[static_cast<unsigned char>(text[at])]) {
        ++at;
        continue;
      }
      const auto [length, index] = trie_.longest(text.substr(at));
      if (length == 0) {
        ++at;
        continue;
      }
      const AddedToken& token = tokens_[static_cast<size_t>(index)];
      Part found{at, at + length, token.id};
      at += length;
      if (!fits(text, found, token, done, allow_special)) continue;
      if (done < found.begin) visit(Part{done, found.begin, -1});
      visit(found);
      done = found.end;
    }
    if (done < text.size()) visit(Part{done, text.size(), -1});
  }
  bool empty() const { return tokens_.empty(); }

 private:
  // False where the token does not count here; else `part` grows by the spaces that it takes.
  static bool fits(std::string_view text, Part& part, const AddedToken& token, size_t done, bool allow_special);

  std::vector<AddedToken> tokens_;
  Trie trie_;
  std::array<bool, 256> begins_{};
};

}  // namespace lathe::tokenize
