// The vocabulary of a GGUF file, as llama.cpp's converter writes it.
#include <algorithm>
#include <array>

#include "tokenize/bpe.h"
#include "tokenize/byte_level_kinds.h"
#include "tokenize/gguf_vocab.h"
#include "tokenize/sentencepiece_parts.h"
#include "tokenize/utf8.h"
#include "tokenize/wordpiece_parts.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

using PartsPtr = std::unique_ptr<Tokenizer::Parts>;

// Ids that the file does not give keep what the pieces tell.
void set_special(const GgufVocab& v, SpecialIds& ids) {
  for (const auto id : {&SpecialIds::cls, &SpecialIds::sep, &SpecialIds::bos, &SpecialIds::eos, &SpecialIds::pad,
                        &SpecialIds::unk, &SpecialIds::mask})
    if (v.special.*id >= 0) ids.*id = v.special.*id;
}

bool is_bracketed(std::string_view token) { return token.starts_with('[') && token.ends_with(']'); }

// The converter drops "##" and puts U+2581 in front of what begins a word; both are undone. Nothing in the file says
// whether text is lowered first: it is, where no piece has an upper-case letter.
PartsPtr bert_parts(std::string_view name, const GgufVocab& v) {
  std::vector<std::string> pieces;
  bool upper = false;
  for (const std::string_view token : v.tokens) {
    const bool special = is_bracketed(token), begins = token.starts_with(kSpaceMark);
    pieces.push_back(special  ? std::string(token)
                     : begins ? std::string(token.substr(kSpaceMark.size()))
                              : "##" + std::string(token));
    upper |= !special && std::any_of(token.begin(), token.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  }
  WordPieceSetup setup;
  setup.rules.lowercase = setup.rules.strip_accents = !upper;
  const auto use = [&](int32_t id, std::string& text) {
    if (id >= 0) text = pieces[static_cast<size_t>(id)];
  };
  use(v.special.unk, setup.unknown);
  use(v.special.cls, setup.cls);
  use(v.special.sep, setup.sep);
  use(v.special.pad, setup.pad);
  use(v.special.mask, setup.mask);
  const std::vector<std::string_view> views(pieces.begin(), pieces.end());
  return wordpiece_parts(name, views, setup);
}

void add_ends(const GgufVocab& v, bool bos, bool eos, Tokenizer::Parts& parts) {
  if (v.add_bos.value_or(bos) && parts.special.bos >= 0) parts.before.push_back(parts.special.bos);
  if (v.add_eos.value_or(eos) && parts.special.eos >= 0) parts.after.push_back(parts.special.eos);
}

PartsPtr sentencepiece_from_gguf(std::string_view name, const GgufVocab& v, bool unigram) {
  if (v.scores.empty()) wrong("field \"tokenizer.ggml.scores\" is missing, needed one a token");
  SentencePieceSetup setup;
  setup.unigram = unigram;
  setup.pieces.assign(v.tokens.begin(), v.tokens.end());
  setup.scores.assign(v.scores.begin(), v.scores.end());
  for (size_t i = 0; i < v.tokens.size(); ++i) setup.kinds.push_back(kind_of(v, i));
  if (v.special.unk >= 0) setup.kinds[static_cast<size_t>(v.special.unk)] = PieceKind::unknown;
  setup.charsmap = v.precompiled_charsmap;
  setup.charsmap_field = "tokenizer.ggml.precompiled_charsmap";
  setup.rules.add_dummy_prefix = v.add_space_prefix.value_or(true);
  setup.rules.remove_extra_whitespaces = v.remove_extra_whitespaces.value_or(false);
  setup.byte_fallback = std::count(setup.kinds.begin(), setup.kinds.end(), PieceKind::byte) > 0;
  setup.special_in_text = true;
  auto parts = sentencepiece_parts(name, setup);
  set_special(v, parts->special);
  add_ends(v, !unigram, unigram, *parts);
  return parts;
}

struct MergeText {
  std::string_view left, right;
  PieceHash hashes[3];  // of either, and of both as one
  int32_t ids[3];
};

MergeText merge_text(const GgufVocab& v, size_t i) {
  const std::string_view merge = v.merges[i];
  const size_t space = merge.find(' ', 1);
  if (merge.empty() || space == merge.npos || space + 1 == merge.size())
    wrong("field \"tokenizer.ggml.merges\": entry {} is \"{}\", needed two pieces and one space between them", i,
          merge);
  MergeText text{.left = merge.substr(0, space), .right = merge.substr(space + 1), .hashes = {}, .ids = {}};
  text.hashes[0].add(text.left);
  text.hashes[1].add(text.right);
  text.hashes[2] = text.hashes[0];
  text.hashes[2].add(text.right);
  return text;
}

// What is looked up for a block of entries is asked of the memory before the first is needed: each is a miss of the
// caches, and they were half of the time that a tokenizer of 150,000 merges takes to load.
MergeTable read_merges(const GgufVocab& v, const PieceIndex& pieces) {
  if (static_cast<int64_t>(v.merges.size()) > kMostPieces)
    wrong("field \"tokenizer.ggml.merges\" has {} entries, at most {} are taken", v.merges.size(), kMostPieces);
  constexpr size_t kAhead = 16;
  MergeTable merges;
  merges.reserve(v.merges.size());
  std::array<MergeText, kAhead> block;
  std::string both;
  for (size_t begin = 0; begin < v.merges.size(); begin += kAhead) {
    const size_t count = std::min(kAhead, v.merges.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      block[i] = merge_text(v, begin + i);
      for (const PieceHash hash : block[i].hashes) pieces.prefetch(hash);
    }
    for (size_t i = 0; i < count; ++i) {
      MergeText& m = block[i];
      both.assign(m.left).append(m.right);
      const std::string_view texts[] = {m.left, m.right, both};
      for (size_t k = 0; k < 3; ++k) m.ids[k] = pieces.find(m.hashes[k], texts[k]);
      if (std::ranges::min(m.ids) < 0)
        wrong(
            "field \"tokenizer.ggml.merges\": entry {} joins \"{}\" and \"{}\", of which the vocabulary lacks one or "
            "what they become",
            begin + i, m.left, m.right);
      merges.prefetch(m.ids[0], m.ids[1]);
    }
    for (size_t i = 0; i < count; ++i)
      merges.insert(block[i].ids[0], block[i].ids[1], {static_cast<uint32_t>(begin + i), block[i].ids[2]});
  }
  return merges;
}

PreTokenizerPtr byte_level_words(const ByteLevelKind& kind, bool add_space) {
  std::vector<PreTokenizerPtr> steps;
  if (kind.digits_alone) steps.push_back(std::make_unique<SplitByClass>(is_number, Behavior::isolated));
  steps.push_back(std::make_unique<ByteLevel>(add_space, kind.pattern, false));
  return std::make_unique<PreTokenizerSequence>(std::move(steps));
}

PartsPtr byte_level_parts(std::string_view name, const GgufVocab& v) {
  const ByteLevelKind& kind = byte_level_kind(v.pre);
  auto parts = std::make_unique<Tokenizer::Parts>();
  parts->name = name;
  parts->kind = "BPE";
  for (size_t i = 0; i < v.tokens.size(); ++i)
    if (!is_valid_utf8(v.tokens[i])) wrong("field \"tokenizer.ggml.tokens\": token {} is not valid UTF-8", i);
  parts->vocab = Vocab(v.tokens);
  parts->by_text = PieceIndex(parts->vocab, all_ids(parts->vocab));
  parts->is_special.assign(v.tokens.size(), false);
  std::vector<int32_t> ids;
  std::vector<AddedToken> added;
  for (size_t i = 0; i < v.tokens.size(); ++i) {
    const PieceKind what = kind_of(v, i);
    const bool special = what == PieceKind::control || what == PieceKind::unknown;
    const auto id = static_cast<int32_t>(i);
    if (!special && what != PieceKind::user_defined) ids.push_back(id);
    const bool usable = !v.tokens[i].empty() && v.tokens[i].size() <= kLongestAddedToken;
    if (usable && (special || what == PieceKind::user_defined))
      added.push_back({.content = std::string(v.tokens[i]), .id = id, .special = special});
  }
  PieceIndex pieces(parts->vocab, ids);
  MergeTable merges = read_merges(v, pieces);
  MergeBpe::Options options;
  options.bytes = true;
  options.ignore_merges = kind.whole_words;
  parts->model = std::make_unique<MergeBpe>(std::move(pieces), std::move(merges), SpaceCuts(), std::move(options));
  if (kind.nfc) parts->normalizer = std::make_unique<UnicodeForm>(Form::nfc);
  parts->pre_tokenizer = byte_level_words(kind, v.add_space_prefix.value_or(false));
  std::vector<DecoderStepPtr> decoder;
  decoder.push_back(byte_level_decoder());
  parts->decoder = step_decoder(std::move(decoder));
  set_added_tokens(*parts, std::move(added));
  set_special(v, parts->special);
  add_ends(v, kind.pattern == GptPattern::llama3, false, *parts);
  return parts;
}

}  // namespace

Result<Tokenizer> Tokenizer::from_gguf(std::string_view name, const GgufVocab& v) {
  return caught(name, [&]() -> Tokenizer {
    check_vocab(v);
    if (v.model == "bert") {
      PartsPtr parts = bert_parts(name, v);
      set_special(v, parts->special);
      return make_tokenizer(std::move(parts));
    }
    if (v.model == "llama") return make_tokenizer(sentencepiece_from_gguf(name, v, false));
    if (v.model == "t5") return make_tokenizer(sentencepiece_from_gguf(name, v, true));
    if (v.model == "gpt2") return make_tokenizer(byte_level_parts(name, v));
    wrong("field \"tokenizer.ggml.model\" is \"{}\", needed bert, gpt2, llama or t5", v.model);
  });
}

}  // namespace lathe::tokenize
