#include "tokenize/wordpiece_training.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "tokenize/bert.h"
#include "tokenize/sentencepiece_parts.h"
#include "tokenize/unicode.h"
#include "tokenize/utf8.h"
#include "tokenize/workspace.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kSpecial[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
constexpr int kCls = 2, kSep = 3;
constexpr std::string_view kMark = "\u2581";  // begins a word in SentencePiece's pieces

// Tokens in the order of their ids, each once.
class Tokens {
 public:
  explicit Tokens(int64_t most) : most_(static_cast<size_t>(most)) {}
  void add(std::string token) {
    if (list_.size() < most_ && known_.insert(token).second) list_.push_back(std::move(token));
  }
  const std::vector<std::string>& list() const { return list_; }

 private:
  const size_t most_;
  std::set<std::string> known_;
  std::vector<std::string> list_;
};

std::vector<std::string> tokens_of(const SentencePieceSetup& setup, int64_t vocabulary) {
  Tokens tokens(vocabulary);
  for (const char* name : kSpecial) tokens.add(name);
  struct Piece {
    std::string_view text;
    bool begins;
  };
  std::vector<Piece> merged;
  for (size_t i = 0; i < setup.pieces.size(); ++i) {
    Piece piece{setup.pieces[i], setup.pieces[i].starts_with(kMark)};
    if (setup.kinds[i] != PieceKind::normal) continue;
    if (piece.begins) piece.text.remove_prefix(kMark.size());
    if (piece.text.empty()) continue;
    if (sequence_length(piece.text.front()) < piece.text.size()) {
      merged.push_back(piece);
    } else {
      tokens.add(std::string(piece.text));
      tokens.add("##" + std::string(piece.text));
    }
  }
  for (const Piece& piece : merged) tokens.add((piece.begins ? "" : "##") + std::string(piece.text));
  return tokens.list();
}

OrderedJson special_token(int id) { return {{"SpecialToken", {{"id", kSpecial[id]}, {"type_id", 0}}}}; }
OrderedJson sequence(const char* name, int type) { return {{"Sequence", {{"id", name}, {"type_id", type}}}}; }

// [CLS] text [SEP], and of two texts [CLS] first [SEP] second [SEP].
OrderedJson post_processor() {
  OrderedJson last = special_token(kSep);
  last["SpecialToken"]["type_id"] = 1;
  OrderedJson special;
  for (const int id : {kCls, kSep})
    special[kSpecial[id]] = {{"id", kSpecial[id]}, {"ids", {id}}, {"tokens", {kSpecial[id]}}};
  return {{"type", "TemplateProcessing"},
          {"single", {special_token(kCls), sequence("A", 0), special_token(kSep)}},
          {"pair", {special_token(kCls), sequence("A", 0), special_token(kSep), sequence("B", 1), last}},
          {"special_tokens", special}};
}

std::string file_of(const std::vector<std::string>& tokens) {
  OrderedJson added = OrderedJson::array(), vocabulary;
  for (size_t id = 0; id < std::size(kSpecial); ++id)
    added.push_back({{"id", id},
                     {"content", kSpecial[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  for (size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id]] = id;
  const OrderedJson file = {{"version", "1.0"},
                            {"truncation", nullptr},
                            {"padding", nullptr},
                            {"added_tokens", added},
                            {"normalizer",
                             {{"type", "BertNormalizer"},
                              {"clean_text", true},
                              {"handle_chinese_chars", true},
                              {"strip_accents", nullptr},
                              {"lowercase", true}}},
                            {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                            {"post_processor", post_processor()},
                            {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
                            {"model",
                             {{"type", "WordPiece"},
                              {"unk_token", "[UNK]"},
                              {"continuing_subword_prefix", "##"},
                              {"max_input_chars_per_word", 100},
                              {"vocab", vocabulary}}}};
  return file.dump(1, ' ', false) + "\n";
}

}  // namespace

BertWords::BertWords() : work_(std::make_unique<WorkspaceState>()) {}
BertWords::~BertWords() = default;

std::string_view BertWords::of(std::string_view text) {
  valid_.clear();
  normalized_.clear();
  words_.clear();
  append_valid(text, valid_);
  BertNormalizer(BertRules()).append(valid_, *work_, normalized_);
  bool inside = false;  // a word
  for (std::string_view rest = normalized_; !rest.empty();) {
    const CodePoint c = first_code_point(rest);
    if (is_whitespace(c.value)) {
      inside = false;
    } else {
      const bool alone = is_punctuation(c.value);
      if ((!inside || alone) && !words_.empty()) words_ += ' ';
      words_.append(rest.substr(0, c.length));
      inside = !alone;
    }
    rest.remove_prefix(c.length);
  }
  return words_;
}

Result<std::string> wordpiece_json(std::string_view model, int64_t vocabulary) {
  return caught("tokenizer.model", [&] { return file_of(tokens_of(read_sentencepiece(model), vocabulary)); });
}

}  // namespace lathe::tokenize
