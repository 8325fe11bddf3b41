#include "tokenize/export_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "tokenize/gguf_vocab.h"
#include "tokenize/gpt_pattern.h"
#include "tokenize/space_cuts.h"
#include "tokenize/utf8.h"
#include "tokenize/vocab.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

using Ordered = nlohmann::ordered_json;

bool is_added(PieceKind kind) {
  return kind == PieceKind::control || kind == PieceKind::unknown || kind == PieceKind::user_defined;
}

Ordered added_tokens(const GgufVocab& v) {
  Ordered list = Ordered::array();
  for (size_t i = 0; i < v.tokens.size(); ++i) {
    const PieceKind kind = kind_of(v, i);
    if (!is_added(kind) || v.tokens[i].empty()) continue;
    list.push_back({{"id", i},
                    {"content", v.tokens[i]},
                    {"single_word", false},
                    {"lstrip", false},
                    {"rstrip", false},
                    {"normalized", false},
                    {"special", kind != PieceKind::user_defined}});
  }
  return list;
}

std::string_view token_of(const GgufVocab& v, int32_t id) { return v.tokens[static_cast<size_t>(id)]; }

// What stands around a text, or null.
Ordered post_processor(const GgufVocab& v, bool bos, bool eos) {
  bos = v.add_bos.value_or(bos) && v.special.bos >= 0;
  eos = v.add_eos.value_or(eos) && v.special.eos >= 0;
  if (!bos && !eos) return nullptr;
  Ordered specials = Ordered::object();
  const auto put = [&](Ordered& to, int32_t id, int type) {
    const std::string_view token = token_of(v, id);
    to.push_back({{"SpecialToken", {{"id", token}, {"type_id", type}}}});
    specials[std::string(token)] = {{"id", token}, {"ids", {id}}, {"tokens", {token}}};
  };
  const auto add = [&](Ordered& to, const char* sequence, int type) {
    if (bos) put(to, v.special.bos, type);
    to.push_back({{"Sequence", {{"id", sequence}, {"type_id", type}}}});
    if (eos) put(to, v.special.eos, type);
  };
  Ordered single = Ordered::array(), pair = Ordered::array();
  add(single, "A", 0);
  add(pair, "A", 0);
  add(pair, "B", 1);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", specials}};
}

// Pieces by id but for those in `left_out`; of two alike, only one could be in tokenizer.json.
Ordered vocab_of(const GgufVocab& v, bool (*left_out)(PieceKind)) {
  Ordered vocab = Ordered::object();
  std::vector<std::pair<std::string_view, size_t>> sorted;
  for (size_t i = 0; i < v.tokens.size(); ++i) {
    if (left_out(kind_of(v, i))) continue;
    if (!is_valid_utf8(v.tokens[i])) wrong("field \"tokenizer.ggml.tokens\": token {} is not valid UTF-8", i);
    sorted.emplace_back(v.tokens[i], i);
  }
  auto by_text = sorted;
  std::ranges::sort(by_text);
  for (size_t i = 1; i < by_text.size(); ++i)
    if (by_text[i].first == by_text[i - 1].first)
      wrong(
          "field \"tokenizer.ggml.tokens\": tokens {} and {} are both \"{}\", needed different ones for tokenizer.json",
          by_text[i - 1].second, by_text[i].second, by_text[i].first);
  // ordered_json looks a key up before it adds one: 150,000 would take minutes
  auto& object = vocab.get_ref<Ordered::object_t&>();
  object.reserve(sorted.size());
  for (const auto& [text, id] : sorted) object.push_back({std::string(text), Ordered(id)});
  return vocab;
}

Ordered document(const GgufVocab& v) {
  return {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", added_tokens(v)}};
}

// ---- Byte-level BPE.

Ordered byte_level(bool add_space) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", add_space}, {"trim_offsets", false}, {"use_regex", false}};
}

Ordered byte_level_document(const GgufVocab& v) {
  const ByteLevelKind& kind = byte_level_kind(v.pre);
  Ordered made = document(v);
  made["normalizer"] = kind.nfc ? Ordered{{"type", "NFC"}} : Ordered(nullptr);
  Ordered steps = Ordered::array();
  if (kind.digits_alone) steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  const bool add_space = v.add_space_prefix.value_or(false);
  // The space comes before the cut in ByteLevel's own way, which has GPT-2's pattern alone.
  Ordered last = byte_level(add_space);
  if (kind.pattern == GptPattern::gpt2)
    last["use_regex"] = true;
  else
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pattern_text(kind.pattern)}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  steps.push_back(std::move(last));
  made["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
  made["post_processor"] = post_processor(v, kind.pattern == GptPattern::llama3, false);
  made["decoder"] = byte_level(false);
  Ordered merges = Ordered::array();
  for (const std::string_view merge : v.merges) merges.push_back(merge);
  made["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"ignore_merges", kind.whole_words},
                   {"vocab", vocab_of(v, [](PieceKind k) { return is_added(k) || k == PieceKind::unused; })},
                   {"merges", std::move(merges)}};
  return made;
}

// ---- SentencePiece's BPE: pieces have scores, and the two that make the best one are merged first.

struct ScoredMerge {
  std::string_view left, right;
  float score;
};

// transformers' rule (convert_slow_tokenizer.py, generate_merges): every way to cut a piece into two, best score first,
// and of equal scores those of the longer left and then the longer right half.
std::vector<ScoredMerge> merges_of(const GgufVocab& v) {
  const Vocab vocab(v.tokens);
  std::vector<int32_t> ids;
  for (size_t i = 0; i < v.tokens.size(); ++i)
    if (const PieceKind kind = kind_of(v, i); kind == PieceKind::normal || kind == PieceKind::user_defined)
      ids.push_back(static_cast<int32_t>(i));
  const PieceIndex pieces(vocab, ids);
  std::vector<ScoredMerge> merges;
  for (const int32_t id : ids) {
    const std::string_view piece = vocab.piece(id);
    if (kind_of(v, static_cast<size_t>(id)) != PieceKind::normal) continue;
    std::vector<std::tuple<int32_t, int32_t, size_t>> cuts;
    for (size_t at = 1; at < piece.size(); ++at) {
      if ((static_cast<unsigned char>(piece[at]) & 0xc0) == 0x80) continue;  // inside a character
      const int32_t left = pieces.find(piece.substr(0, at)), right = pieces.find(piece.substr(at));
      if (left >= 0 && right >= 0) cuts.emplace_back(left, right, at);
    }
    std::ranges::sort(cuts);
    for (const auto& [left, right, at] : cuts) {
      const auto id_at = static_cast<size_t>(id);
      merges.push_back({v.tokens[id_at].substr(0, at), v.tokens[id_at].substr(at), v.scores[id_at]});
    }
  }
  std::ranges::stable_sort(merges, [](const ScoredMerge& a, const ScoredMerge& b) {
    return std::tuple(-a.score, b.left.size(), b.right.size()) < std::tuple(-b.score, a.left.size(), a.right.size());
  });
  return merges;
}

Ordered sentencepiece_document(const GgufVocab& v) {
  if (v.scores.empty()) wrong("field \"tokenizer.ggml.scores\" is missing, needed one a token");
  const bool dummy = v.add_space_prefix.value_or(true);
  bool bytes = false;
  for (size_t i = 0; i < v.tokens.size(); ++i) bytes = bytes || kind_of(v, i) == PieceKind::byte;
  Ordered made = document(v);
  const Ordered marks = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpaceMark}};
  const Ordered begin = {{"type", "Prepend"}, {"prepend", kSpaceMark}};
  made["normalizer"] = marks;
  if (dummy) made["normalizer"] = {{"type", "Sequence"}, {"normalizers", Ordered::array({begin, marks})}};
  made["pre_tokenizer"] = nullptr;
  made["post_processor"] = post_processor(v, true, false);
  Ordered steps = Ordered::array();
  steps.push_back({{"type", "Replace"}, {"pattern", {{"String", kSpaceMark}}}, {"content", " "}});
  if (bytes) steps.push_back({{"type", "ByteFallback"}});
  steps.push_back({{"type", "Fuse"}});
  if (dummy) steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  made["decoder"] = {{"type", "Sequence"}, {"decoders", std::move(steps)}};
  Ordered merges = Ordered::array();
  for (const ScoredMerge& merge : merges_of(v)) {
    std::string text(merge.left);
    text.append(" ").append(merge.right);
    merges.push_back(std::move(text));
  }
  made["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", v.special.unk >= 0 ? Ordered(token_of(v, v.special.unk)) : Ordered(nullptr)},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", true},
                   {"byte_fallback", bytes},
                   {"ignore_merges", false},
                   {"vocab", vocab_of(v, [](PieceKind) { return false; })},
                   {"merges", std::move(merges)}};
  return made;
}

std::string config_of(const GgufVocab& v, std::string_view chat_template) {
  Ordered config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
  const auto add = [&](const char* name, int32_t id) {
    if (id >= 0) config[name] = token_of(v, id);
  };
  add("bos_token", v.special.bos);
  add("eos_token", v.special.eos);
  add("pad_token", v.special.pad);
  add("unk_token", v.special.unk);
  if (!chat_template.empty()) config["chat_template"] = chat_template;
  return config.dump(2) + "\n";
}

}  // namespace

Result<JsonExport> export_json(std::string_view name, const GgufVocab& v, std::string_view chat_template) {
  return caught(name, [&] {
    check_vocab(v);
    const bool byte_level = v.model == "gpt2";
    if (!byte_level && v.model != "llama")
      wrong("field \"tokenizer.ggml.model\" is \"{}\", needed gpt2 or llama for tokenizer.json", v.model);
    JsonExport made;
    made.tokenizer = (byte_level ? byte_level_document(v) : sentencepiece_document(v)).dump(1, ' ') + "\n";
    made.config = config_of(v, chat_template);
    if (!byte_level && v.remove_extra_whitespaces.value_or(false))
      made.notes.push_back("the vocabulary drops extra spaces, and tokenizer.json keeps them");
    return made;
  });
}

}  // namespace lathe::tokenize
