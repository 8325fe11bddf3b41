#include "tokenize/unigram.h"

#include <span>

#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

Trie trie_of(const std::vector<Unigram::Piece>& pieces) {
  std::vector<Trie::Key> keys;
  keys.reserve(pieces.size());
  for (const auto& piece : pieces) keys.push_back({piece.text, piece.id});
  return Trie(std::move(keys));
}

SpaceCuts cuts_of(const std::vector<Unigram::Piece>& pieces) {
  SpaceCuts cuts;
  for (const auto& piece : pieces) cuts.allow_for(piece.text);
  return cuts;
}

}  // namespace

Unigram::Unigram(const std::vector<Piece>& pieces, std::vector<float> scores, Options options)
    : trie_(trie_of(pieces)), cuts_(cuts_of(pieces)), f32_scores_(std::move(scores)), options_(std::move(options)) {
  options_.sums_in_f32 = true;
}

Unigram::Unigram(const std::vector<Piece>& pieces, std::vector<double> scores, Options options)
    : trie_(trie_of(pieces)), cuts_(cuts_of(pieces)), f64_scores_(std::move(scores)), options_(std::move(options)) {
  options_.sums_in_f32 = false;
}

// Fills work.nodes for `part`; `base` is the sum so far, and the sum at the end is returned.
template <class Score>
Score Unigram::search(const std::vector<Score>& scores, std::string_view part, Score base, WorkspaceState& work) const {
  auto& nodes = work.nodes;
  nodes.assign(part.size() + 1, {0, 0, 0});
  nodes[0].score = base;
  const auto offer = [&nodes](size_t end, double sum, size_t length, int32_t id) {
    ViterbiNode& node = nodes[end];
    if (node.length == 0 || sum > node.score) node = {sum, static_cast<uint32_t>(length), id};
  };
  const auto unknown_score = static_cast<Score>(options_.unknown_score);
  for (size_t at = 0; at < part.size();) {
    const auto sum = static_cast<Score>(nodes[at].score);
    const size_t one = sequence_length(part[at]);
    bool has_one = false;
    trie_.prefixes(part.substr(at), [&](size_t length, int32_t id) {
      offer(at + length, static_cast<Score>(scores[static_cast<size_t>(id)] + sum), length, id);
      has_one |= length == one;
    });
    if (!has_one) offer(at + one, static_cast<Score>(unknown_score + sum), one, options_.unknown);
    at += one;
  }
  return static_cast<Score>(nodes.back().score);
}

// The best path through work.nodes, from its end to its beginning and then out in order.
void Unigram::emit(std::string_view part, WorkspaceState& work, size_t word_begin, std::vector<int32_t>& out) const {
  work.reversed.clear();
  for (size_t end = part.size(); end > 0; end -= work.nodes[end].length) {
    const ViterbiNode& node = work.nodes[end];
    if (node.id != options_.unknown || !options_.bytes) {
      work.reversed.push_back(node.id);
      continue;
    }
    for (size_t i = 0; i < node.length; ++i)
      work.reversed.push_back(options_.bytes->ids[static_cast<unsigned char>(part[end - 1 - i])]);
  }
  for (size_t i = work.reversed.size(); i-- > 0;) {
    const int32_t id = work.reversed[i];
    const bool fused = id == options_.unknown && out.size() > word_begin && out.back() == id;
    if (!fused) out.push_back(id);
  }
}

template <class Score>
void Unigram::encode_by(const std::vector<Score>& scores, std::string_view word, WorkspaceState& work,
                        std::vector<int32_t>& out) const {
  const size_t word_begin = out.size();
  Score sum = 0;
  for (size_t at = 0; at < word.size();) {
    const size_t end = cuts_.part_end(word, at);
    const std::string_view part = word.substr(at, end - at);
    sum = search(scores, part, sum, work);
    emit(part, work, word_begin, out);
    at = end;
  }
}

void Unigram::encode_new(std::string_view word, WorkspaceState& work, std::vector<int32_t>& out) const {
  const size_t begin = out.size();
  if (options_.sums_in_f32)
    encode_by(f32_scores_, word, work, out);
  else
    encode_by(f64_scores_, word, work, out);
  work.cache.remember(word, std::span(out).subspan(begin));
}

}  // namespace lathe::tokenize
