#include "tokenize/sentencepiece_parts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tokenize/bpe.h"
#include "tokenize/unigram.h"
#include "tokenize/utf8.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

using Setup = SentencePieceSetup;

// Pieces that text can become; control, unknown and byte pieces are not among them.
bool is_text(PieceKind kind) {
  return kind == PieceKind::normal || kind == PieceKind::user_defined || kind == PieceKind::unused;
}

void check(const Setup& setup) {
  if (setup.pieces.empty()) wrong("the vocabulary has no pieces");
  if (static_cast<int64_t>(setup.pieces.size()) > kMostPieces)
    wrong("the vocabulary has {} pieces, at most {} are taken", setup.pieces.size(), kMostPieces);
  for (size_t i = 0; i < setup.pieces.size(); ++i) {
    if (!is_valid_utf8(setup.pieces[i])) wrong("piece {} is not valid UTF-8", i);
    if (!std::isfinite(setup.scores[i])) wrong("the score of piece {} is not finite", i);
  }
}

int32_t unknown_id(const Setup& setup) {
  const auto found = std::find(setup.kinds.begin(), setup.kinds.end(), PieceKind::unknown);
  if (found == setup.kinds.end()) wrong("the vocabulary has no piece of type unknown, needed one");
  return static_cast<int32_t>(found - setup.kinds.begin());
}

std::optional<ByteFallback> fallback(const Setup& setup) {
  if (!setup.byte_fallback) return std::nullopt;
  ByteFallback bytes;
  bytes.ids.fill(-1);
  for (size_t i = 0; i < setup.pieces.size(); ++i) {
    const int value = setup.kinds[i] == PieceKind::byte ? byte_piece_value(setup.pieces[i]) : -1;
    if (value >= 0) bytes.ids[static_cast<size_t>(value)] = static_cast<int32_t>(i);
  }
  if (!bytes.complete()) {
    const auto missing = std::find(bytes.ids.begin(), bytes.ids.end(), -1) - bytes.ids.begin();
    wrong("bytes are to stand for unknown text, but there is no byte piece <0x{:02X}>", missing);
  }
  return bytes;
}

std::unique_ptr<const Model> unigram_model(const Setup& setup, const Vocab& vocab) {
  std::vector<Unigram::Piece> pieces;
  std::vector<float> scores = setup.scores;
  float least = 0, most = 0;
  bool any = false;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (setup.kinds[i] != PieceKind::normal) continue;
    least = any ? std::min(least, scores[i]) : scores[i];
    most = any ? std::max(most, scores[i]) : scores[i];
    any = true;
  }
  for (size_t i = 0; i < scores.size(); ++i) {
    const std::string_view text = vocab.piece(static_cast<int32_t>(i));
    // A user-defined piece is better than whatever else its bytes could be.
    if (setup.kinds[i] == PieceKind::user_defined) scores[i] = static_cast<float>(text.size()) * most - 0.1f;
    if (setup.kinds[i] == PieceKind::normal || setup.kinds[i] == PieceKind::user_defined)
      pieces.push_back({text, static_cast<int32_t>(i)});
  }
  constexpr float kUnknownPenalty = 10;
  Unigram::Options options;
  options.unknown = unknown_id(setup);
  options.unknown_score = least - kUnknownPenalty;
  options.bytes = fallback(setup);
  return std::make_unique<Unigram>(pieces, std::move(scores), options);
}

std::unique_ptr<const Model> bpe_model(const Setup& setup, const Vocab& vocab) {
  std::vector<int32_t> ids;
  std::vector<bool> unused(setup.pieces.size(), false);
  SpaceCuts cuts;
  for (int32_t id = 0; id < vocab.size(); ++id) {
    const PieceKind kind = setup.kinds[static_cast<size_t>(id)];
    unused[static_cast<size_t>(id)] = kind == PieceKind::unused;
    if (!is_text(kind) || kind == PieceKind::user_defined) continue;  // those are cut out of the text before
    ids.push_back(id);
    cuts.allow_for(vocab.piece(id));
  }
  // Equal scores have one rank: the leftmost of such merges comes first.
  std::vector<int32_t> order = ids;
  const auto score = [&](int32_t id) { return setup.scores[static_cast<size_t>(id)]; };
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return score(a) > score(b); });
  std::vector<uint32_t> ranks(setup.pieces.size(), 0);
  uint32_t rank = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && score(order[i]) != score(order[i - 1])) ++rank;
    ranks[static_cast<size_t>(order[i])] = rank;
  }
  ScoreBpe::Options options;
  options.unknown = unknown_id(setup);
  options.fallback = fallback(setup);
  return std::make_unique<ScoreBpe>(PieceIndex(vocab, ids), std::move(ranks), std::move(unused), cuts, options);
}

}  // namespace

std::unique_ptr<Tokenizer::Parts> sentencepiece_parts(std::string_view name, const Setup& setup) {
  check(setup);
  auto parts = std::make_unique<Tokenizer::Parts>();
  parts->name = name;
  parts->kind = setup.unigram ? "Unigram" : "BPE";
  parts->vocab = Vocab(setup.pieces);
  parts->by_text = PieceIndex(parts->vocab, all_ids(parts->vocab));
  parts->is_special.assign(setup.pieces.size(), false);
  parts->special.unk = unknown_id(setup);
  parts->model = setup.unigram ? unigram_model(setup, parts->vocab) : bpe_model(setup, parts->vocab);

  std::vector<Trie::Key> verbatim;
  std::vector<AddedToken> found_in_text, cut_out;
  for (size_t i = 0; i < setup.pieces.size(); ++i) {
    const std::string_view text = setup.pieces[i];
    const auto id = static_cast<int32_t>(i);
    const bool usable = !text.empty() && text.size() <= kLongestAddedToken;
    parts->is_special[i] = setup.kinds[i] == PieceKind::control || setup.kinds[i] == PieceKind::unknown;
    if (setup.kinds[i] == PieceKind::user_defined && !text.empty()) verbatim.push_back({text, id});
    if (setup.kinds[i] == PieceKind::user_defined && usable && !setup.unigram)
      cut_out.push_back({.content = std::string(text), .id = id, .normalized = true});
    if (parts->is_special[i] && usable && setup.special_in_text)
      found_in_text.push_back({.content = std::string(text), .id = id, .special = true});
  }
  parts->raw_tokens = AddedTokens(std::move(found_in_text));
  parts->normalized_tokens = AddedTokens(std::move(cut_out));
  parts->normalizer = std::make_unique<SentencePieceNormalizer>(
      setup.rules, Charsmap(setup.charsmap, setup.charsmap_field), Trie(std::move(verbatim)));
  const auto& rules = setup.rules;
  parts->decoder = sentencepiece_decoder(setup.kinds, rules.add_dummy_prefix || rules.remove_extra_whitespaces,
                                         rules.remove_extra_whitespaces);
  return parts;
}

}  // namespace lathe::tokenize
