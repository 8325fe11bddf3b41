#include "tokenize/sentencepiece_normalizer.h"

#include "tokenize/space_cuts.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {

SentencePieceNormalizer::Step SentencePieceNormalizer::first(std::string_view text) const {
  const size_t kept = verbatim_.longest(text).first;
  if (kept > 0) return {text.substr(0, kept), kept};
  const auto mapped = map_.longest(text);
  if (mapped.length > 0) return {mapped.replacement, mapped.length};
  const size_t length = sequence_length(text[0]);
  return {text.substr(0, length), length};
}

void SentencePieceNormalizer::append(std::string_view text, WorkspaceState&, std::string& out) const {
  const std::string_view space = rules_.escape_whitespaces ? kSpaceMark : " ";
  const bool gathers = rules_.remove_extra_whitespaces;
  while (gathers && !text.empty()) {
    const Step step = first(text);
    if (step.normalized != " ") break;
    text.remove_prefix(step.length);
  }
  if (text.empty()) return;
  const size_t begin = out.size();
  if (rules_.add_dummy_prefix && !rules_.whitespace_as_suffix) out += space;
  bool after_space = gathers;
  while (!text.empty()) {
    Step step = first(text);
    text.remove_prefix(step.length);
    while (after_space && step.normalized.starts_with(' ')) step.normalized.remove_prefix(1);
    if (step.normalized.empty()) continue;
    for (const char c : step.normalized) {
      if (c == ' ')
        out += space;
      else
        out += c;
    }
    after_space = gathers && step.normalized.ends_with(' ');
  }
  while (gathers && std::string_view(out).substr(begin).ends_with(space)) out.resize(out.size() - space.size());
  if (rules_.add_dummy_prefix && rules_.whitespace_as_suffix) out += space;
}

}  // namespace lathe::tokenize
