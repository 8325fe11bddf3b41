#include "tokenize/wordpiece_parts.h"

#include "tokenize/unicode.h"
#include "tokenize/utf8.h"
#include "tokenize/wordpiece.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

constexpr std::string_view kContinuation = "##";

int32_t needed_piece(const PieceIndex& pieces, const std::string& text, std::string_view what) {
  const int32_t id = pieces.find(text);
  if (id < 0) wrong("the vocabulary has no piece \"{}\", needed as the {} token", text, what);
  return id;
}

}  // namespace

std::unique_ptr<Tokenizer::Parts> wordpiece_parts(std::string_view name, std::span<const std::string_view> pieces,
                                                  const WordPieceSetup& setup) {
  if (pieces.empty()) wrong("the vocabulary has no pieces");
  if (static_cast<int64_t>(pieces.size()) > kMostPieces)
    wrong("the vocabulary has {} pieces, at most {} are taken", pieces.size(), kMostPieces);
  for (size_t i = 0; i < pieces.size(); ++i)
    if (!is_valid_utf8(pieces[i])) wrong("piece {} is not valid UTF-8", i);
  auto parts = std::make_unique<Tokenizer::Parts>();
  parts->name = name;
  parts->kind = "WordPiece";
  parts->vocab = Vocab(pieces);
  parts->is_special.assign(pieces.size(), false);
  const auto ids = all_ids(parts->vocab);
  parts->by_text = PieceIndex(parts->vocab, ids);
  parts->special.unk = needed_piece(parts->by_text, setup.unknown, "unknown");
  parts->special.cls = needed_piece(parts->by_text, setup.cls, "cls");
  parts->special.sep = needed_piece(parts->by_text, setup.sep, "sep");
  parts->special.pad = parts->by_text.find(setup.pad);
  parts->special.mask = parts->by_text.find(setup.mask);

  std::vector<int32_t> continuing;
  for (const int32_t id : ids)
    if (parts->vocab.piece(id).starts_with(kContinuation) && parts->vocab.piece(id).size() > kContinuation.size())
      continuing.push_back(id);
  parts->model = std::make_unique<WordPiece>(PieceIndex(parts->vocab, ids),
                                             PieceIndex(parts->vocab, continuing, kContinuation.size()),
                                             WordPiece::Options{parts->special.unk, 100});
  parts->bert = setup.rules;
  parts->normalizer = std::make_unique<BertNormalizer>(setup.rules);
  std::vector<PreTokenizerPtr> steps;
  steps.push_back(std::make_unique<SplitByClass>(is_whitespace, Behavior::removed));
  steps.push_back(std::make_unique<SplitByClass>(is_punctuation, Behavior::isolated));
  parts->pre_tokenizer = std::make_unique<PreTokenizerSequence>(std::move(steps));
  parts->before.assign(1, parts->special.cls);
  parts->after.assign(1, parts->special.sep);
  std::vector<DecoderStepPtr> decoder;
  decoder.push_back(wordpiece_decoder(std::string(kContinuation), true));
  parts->decoder = step_decoder(std::move(decoder));

  std::vector<AddedToken> added;
  for (const auto* text : {&setup.unknown, &setup.sep, &setup.pad, &setup.cls, &setup.mask}) {
    const int32_t id = parts->by_text.find(*text);
    if (id >= 0 && !text->empty()) added.push_back({.content = *text, .id = id, .special = true});
  }
  set_added_tokens(*parts, std::move(added));
  return parts;
}

}  // namespace lathe::tokenize
