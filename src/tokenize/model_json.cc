#include <algorithm>

#include "tokenize/bpe.h"
#include "tokenize/components.h"
#include "tokenize/unigram.h"
#include "tokenize/wordpiece.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

// The id of the piece that `field` names.
int32_t named_id(const Node& node, std::string_view field, const std::string& piece, const PieceIndex& pieces) {
  const int32_t id = pieces.find(piece);
  if (id < 0) wrong("field \"{}\" is \"{}\", which is no piece of the vocabulary", node.path(field), piece);
  return id;
}

std::optional<ByteFallback> byte_fallback(const Node& node, const PieceIndex& pieces) {
  if (!bool_field(node, "byte_fallback", false)) return std::nullopt;
  const auto bytes = ByteFallback::of(pieces);
  return bytes.complete() ? std::optional(bytes) : std::nullopt;  // as in the reference
}

std::unique_ptr<const Model> read_wordpiece(const Node& node, std::span<const int32_t> ids, const Vocab& vocab) {
  PieceIndex pieces(vocab, ids);
  const std::string prefix = text_field(node, "continuing_subword_prefix").value_or("##");
  std::vector<int32_t> continuing;
  for (const int32_t id : ids)
    if (vocab.piece(id).starts_with(prefix) && vocab.piece(id).size() > prefix.size()) continuing.push_back(id);
  WordPiece::Options options;
  options.unknown = named_id(node, "unk_token", text_field(node, "unk_token").value_or("[UNK]"), pieces);
  options.longest_word = whole_field(node, "max_input_chars_per_word", 100);
  PieceIndex continuations(vocab, continuing, prefix.size());
  return std::make_unique<WordPiece>(std::move(pieces), std::move(continuations), options);
}

std::unique_ptr<const Model> read_unigram(const Node& node, const TokenizerFile& file, std::span<const int32_t> ids,
                                          const Vocab& vocab) {
  if (!file.vocab_is_list) wrong("field \"{}\" is an object, needed a list of [piece, score]", node.path("vocab"));
  std::vector<Unigram::Piece> pieces;
  for (const int32_t id : ids) pieces.push_back({vocab.piece(id), id});
  const int64_t unknown = whole_field(node, "unk_id", -1);
  if (unknown < 0 || unknown >= static_cast<int64_t>(ids.size()))
    wrong("field \"{}\" is {}, needed an id from 0 to {}", node.path("unk_id"), unknown,
          static_cast<int64_t>(ids.size()) - 1);
  Unigram::Options options;
  options.unknown = static_cast<int32_t>(unknown);
  constexpr double kUnknownPenalty = 10;
  options.unknown_score = *std::min_element(file.scores.begin(), file.scores.end()) - kUnknownPenalty;
  options.bytes = byte_fallback(node, PieceIndex(vocab, ids));
  return std::make_unique<Unigram>(pieces, file.scores, options);
}

MergeTable read_merges(const Node& node, const TokenizerFile& file, const PieceIndex& pieces,
                       const std::string& prefix) {
  MergeTable merges;
  merges.reserve(file.lefts.size());
  std::string both;
  for (size_t i = 0; i < file.lefts.size(); ++i) {
    const std::string_view left = file.lefts[i], right = file.rights[i];
    const auto id_of = [&](std::string_view piece) {
      const int32_t id = pieces.find(piece);
      if (id < 0)
        wrong("field \"{}\": entry {} joins \"{}\" and \"{}\", but \"{}\" is no piece of the vocabulary",
              node.path("merges"), i, left, right, piece);
      return id;
    };
    if (left.empty() || right.empty())
      wrong("field \"{}\": entry {} joins \"{}\" and \"{}\", needed two texts that are not empty", node.path("merges"),
            i, left, right);
    if (right.size() < prefix.size())
      wrong("field \"{}\": entry {}: \"{}\" lacks the prefix \"{}\"", node.path("merges"), i, right, prefix);
    (both = left) += right.substr(prefix.size());
    merges.insert(id_of(left), id_of(right), {static_cast<uint32_t>(i), id_of(both)});
  }
  return merges;
}

std::unique_ptr<const Model> read_bpe(const Node& node, const TokenizerFile& file, std::span<const int32_t> ids,
                                      bool bytes, const Vocab& vocab) {
  if (!file.has_merges) wrong("field \"{}\" is missing, needed a list", node.path("merges"));
  const Json* dropout = find_field(node, "dropout");
  if (dropout && (!dropout->is_number() || dropout->get<double>() != 0))
    wrong("field \"{}\" is {}, needed null: ids drawn by chance are of no use", node.path("dropout"), dropout->dump());
  PieceIndex pieces(vocab, ids);
  MergeBpe::Options options;
  options.bytes = bytes;
  options.ignore_merges = bool_field(node, "ignore_merges", false);
  options.fuse_unknown = bool_field(node, "fuse_unk", false);
  options.prefix = text_field(node, "continuing_subword_prefix").value_or("");
  options.suffix = text_field(node, "end_of_word_suffix").value_or("");
  if (bytes && (!options.prefix.empty() || !options.suffix.empty()))
    wrong("field \"{}\" has a prefix or suffix of pieces, which byte-level words cannot have", node.name);
  options.fallback = byte_fallback(node, pieces);
  const auto unknown = text_field(node, "unk_token");
  if (unknown) options.unknown = named_id(node, "unk_token", *unknown, pieces);
  SpaceCuts cuts;
  for (const int32_t id : ids) cuts.allow_for(vocab.piece(id));
  MergeTable merges = read_merges(node, file, pieces, options.prefix);
  return std::make_unique<MergeBpe>(std::move(pieces), std::move(merges), cuts, std::move(options));
}

}  // namespace

std::string model_kind(const Node& node, const TokenizerFile& file) {
  if (const auto type = text_field(node, "type")) {
    if (*type == "WordPiece" || *type == "Unigram" || *type == "BPE") return *type;
    wrong("field \"{}\" is \"{}\", needed WordPiece, Unigram or BPE", node.path("type"), *type);
  }
  return file.has_merges ? "BPE" : file.vocab_is_list ? "Unigram" : "WordPiece";  // as files of old are read
}

void read_model(const Node& node, const TokenizerFile& file, std::span<const int32_t> model_ids, bool bytes,
                Tokenizer::Parts& parts) {
  if (parts.kind != "Unigram" && file.vocab_is_list)
    wrong("field \"{}\" is a list, needed an object of pieces and ids", node.path("vocab"));
  if (parts.kind == "WordPiece")
    parts.model = read_wordpiece(node, model_ids, parts.vocab);
  else if (parts.kind == "Unigram")
    parts.model = read_unigram(node, file, model_ids, parts.vocab);
  else
    parts.model = read_bpe(node, file, model_ids, bytes, parts.vocab);
}

}  // namespace lathe::tokenize
