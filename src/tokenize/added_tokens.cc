#include "tokenize/added_tokens.h"

#include <algorithm>

#include "tokenize/unicode.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

bool word_ends(std::string_view text) {
  return !text.empty() && is_word(first_code_point(text.substr(last_code_point(text))).value);
}
bool word_begins(std::string_view text) { return !text.empty() && is_word(first_code_point(text).value); }

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::vector<Trie::Key> keys;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    keys.push_back({tokens_[i].content, static_cast<int32_t>(i)});
    begins_[static_cast<unsigned char>(tokens_[i].content[0])] = true;
  }
  trie_ = Trie(std::move(keys));
}

bool AddedTokens::fits(std::string_view text, Part& part, const AddedToken& token, size_t done, bool allow_special) {
  if (token.special && !allow_special) return false;
  if (token.single_word && (word_ends(text.substr(0, part.begin)) || word_begins(text.substr(part.end)))) return false;
  while (token.left_strip && part.begin > done) {
    const size_t last = last_code_point(text.substr(0, part.begin));
    if (!is_whitespace(first_code_point(text.substr(last)).value)) break;
    part.begin = last;
  }
  while (token.right_strip && part.end < text.size()) {
    const CodePoint next = first_code_point(text.substr(part.end));
    if (!is_whitespace(next.value)) break;
    part.end += next.length;
  }
  return true;
}

}  // namespace lathe::tokenize
