#include "tokenize/export_vocab.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "base/atomic_file.h"
#include "base/shown.h"
#include "tokenize/byte_level_kinds.h"
#include "tokenize/companions.h"
#include "tokenize/sentencepiece_parts.h"
#include "tokenize/space_cuts.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargestFile = int64_t{256} << 20;

struct Source {
  std::string name;
  TokenizerFile file;
  std::unique_ptr<const Tokenizer::Parts> parts;
};

std::string text_of(const fs::path& path) {
  auto text = read_file(path.string(), kLargestFile);
  if (text) return std::move(*text);
  if (text.status().code() == Code::not_found) return "";
  wrong("{}", text.status().message());
}

Source open_source(const fs::path& folder) {
  const std::string config = text_of(folder / "tokenizer_config.json"),
                    map = text_of(folder / "special_tokens_map.json"), added = text_of(folder / "added_tokens.json");
  const Companions beside{config, map, added};
  Source source;
  if (const std::string json = text_of(folder / "tokenizer.json"); !json.empty()) {
    source.name = "tokenizer.json";
    source.file = read_tokenizer_file(json);
  } else if (const std::string vocab = text_of(folder / "vocab.json"); !vocab.empty()) {
    source.name = "vocab.json";
    source.file = file_of_vocab_and_merges(vocab, text_of(folder / "merges.txt"), beside);
  } else {
    wrong("there is neither tokenizer.json nor vocab.json nor tokenizer.model, needed one of them");
  }
  source.parts = build_from_file(source.name, source.file, beside);
  return source;
}

// The steps of a normalizer or a pre-tokenizer, out of their sequences.
void flatten(const Json& step, const char* list, std::vector<const Json*>& out) {
  if (!step.is_object()) return;
  if (step.value("type", "") != "Sequence") return out.push_back(&step);
  if (const auto inner = step.find(list); inner != step.end() && inner->is_array())
    for (const Json& one : *inner) flatten(one, list, out);
}
std::vector<const Json*> steps_of(const Json& document, const char* field, const char* list) {
  std::vector<const Json*> steps;
  if (const auto root = document.find(field); root != document.end()) flatten(*root, list, steps);
  return steps;
}
std::string type_of_step(const Json& step) { return step.value("type", ""); }

const Json* pattern_of(const Json& step, const char* kind) {
  const auto pattern = step.find("pattern");
  if (pattern == step.end() || !pattern->is_object()) return nullptr;
  const auto text = pattern->find(kind);
  return text != pattern->end() && text->is_string() ? &*text : nullptr;
}

void set_types(const Source& source, VocabExport& to) {
  to.token_types.assign(to.tokens.size(), kNormalToken);
  const auto list = source.file.document.find("added_tokens");
  if (list == source.file.document.end() || !list->is_array()) return;
  for (const Json& token : *list)  // the ids were checked when the tokenizer was built
    to.token_types[token.at("id").get<size_t>()] = token.value("special", false) ? kControlToken : kUserToken;
}

// What the template puts around a text is bos and eos, or GGUF cannot say it.
void set_ends(const Source& source, VocabExport& to) {
  const auto& before = source.parts->before;
  const auto& after = source.parts->after;
  // Where no file names one, the tokenizer takes a piece of a usual name; "<s>" is a word like any other for some.
  const SpecialIds& named = source.parts->special;
  for (const auto id : {&SpecialIds::bos, &SpecialIds::eos, &SpecialIds::pad, &SpecialIds::unk})
    if (named.*id >= 0 && to.token_types[static_cast<size_t>(named.*id)] != kNormalToken) to.special.*id = named.*id;
  if (before.size() == 1) to.special.bos = before[0];
  if (after.size() == 1 && to.special.eos < 0) to.special.eos = after[0];
  to.add_bos = before.size() == 1;
  to.add_eos = after.size() == 1 && after[0] == to.special.eos;
  if (before.size() > 1 || (!after.empty() && !to.add_eos))
    to.notes.push_back("the template puts other tokens around a text than bos and eos: GGUF has no field for them");
}

// ---- Byte-level BPE, which GGUF calls gpt2.

// How text is cut, and the name that GGUF has for it.
std::string_view pre_of(const Source& source, VocabExport& to) {
  std::optional<GptPattern> pattern;
  bool digits = false, nfc = false;
  for (const Json* step : steps_of(source.file.document, "pre_tokenizer", "pretokenizers")) {
    const std::string type = type_of_step(*step);
    if (type == "ByteLevel") {
      if (step->value("use_regex", true)) pattern = GptPattern::gpt2;
      if (step->value("add_prefix_space", true)) to.add_space_prefix = true;
    } else if (type == "Digits") {
      digits = step->value("individual_digits", false);
    } else if (const Json* regex = pattern_of(*step, "Regex"); type == "Split" && regex != nullptr) {
      pattern = known_pattern(regex->get_ref<const std::string&>());
      if (!pattern)
        wrong("field \"pre_tokenizer\" has the pattern {}, which GGUF has no name for",
              shown(regex->get_ref<const std::string&>()));
    } else {
      wrong("field \"pre_tokenizer\" has \"{}\", needed ByteLevel, Digits or Split with a regular expression", type);
    }
  }
  for (const Json* step : steps_of(source.file.document, "normalizer", "normalizers")) {
    nfc = type_of_step(*step) == "NFC";
    if (!nfc) wrong("field \"normalizer\" is \"{}\", needed NFC or none for GGUF", type_of_step(*step));
  }
  const Json& model = source.file.document.at("model");
  const bool whole = model.value("ignore_merges", false);
  const ByteLevelKind* nearest = nullptr;
  for (const ByteLevelKind& kind : kByteLevelKinds) {
    if (kind.pattern != pattern || kind.digits_alone != digits) continue;
    if (kind.nfc == nfc && kind.whole_words == whole) return kind.pre;
    if (nearest == nullptr) nearest = &kind;
  }
  if (nearest == nullptr) wrong("field \"pre_tokenizer\" cuts text in a way that GGUF has no name for");
  to.notes.push_back(fmt::format(
      "the tokenizer is called {} in GGUF, which is not quite the same: {}", nearest->pre,
      nearest->nfc != nfc ? "about text that is not in NFC" : "about words that are a token and no merges make"));
  return nearest->pre;
}

void export_byte_level(const Source& source, VocabExport& to) {
  to.model = "gpt2";
  to.pre = pre_of(source, to);
  for (size_t i = 0; i < source.file.lefts.size(); ++i)
    to.merges.push_back(fmt::format("{} {}", source.file.lefts[i], source.file.rights[i]));
}

// ---- BPE made of SentencePiece, which GGUF calls llama: pieces have scores instead of merges.

bool is_byte(std::string_view token) { return token.size() == 6 && token.starts_with("<0x") && token.ends_with('>'); }

// Of merges with the same result the first counts: the list is in the order of the scores that it was made of.
void set_scores(const Source& source, VocabExport& to) {
  std::unordered_map<std::string, float> scores;
  const auto count = source.file.lefts.size();
  for (size_t i = 0; i < count; ++i)
    scores.try_emplace(std::string(source.file.lefts[i]).append(source.file.rights[i]), -static_cast<float>(i));
  for (const std::string& token : to.tokens) {
    const auto found = scores.find(token);
    to.scores.push_back(found != scores.end() ? found->second : -static_cast<float>(count));
  }
}

void check_sentencepiece(const Source& source, VocabExport& to) {
  to.add_space_prefix = false;
  bool marked = false;
  for (const Json* step : steps_of(source.file.document, "normalizer", "normalizers")) {
    const std::string type = type_of_step(*step);
    const Json* from = pattern_of(*step, "String");
    const bool space = type == "Replace" && from != nullptr && *from == " " && step->value("content", "") == kSpaceMark;
    if (type == "Prepend" && step->value("prepend", "") == kSpaceMark)
      to.add_space_prefix = true;
    else if (!space)
      wrong("field \"normalizer\" is \"{}\", needed what puts U+2581 for spaces alone, for GGUF", type);
    marked = marked || space;
  }
  for (const Json* step : steps_of(source.file.document, "pre_tokenizer", "pretokenizers")) {
    const std::string type = type_of_step(*step);
    const Json* at = pattern_of(*step, "String");
    if (type == "Metaspace")
      to.add_space_prefix = step->value("prepend_scheme", "always") != "never" && step->value("add_prefix_space", true);
    else if (type != "Split" || at == nullptr || *at != " ")
      wrong("field \"pre_tokenizer\" is \"{}\", needed none, Metaspace or a split at spaces, for GGUF", type);
    marked = marked || type == "Metaspace";
  }
  if (!marked) wrong("the tokenizer keeps spaces as they are, needed U+2581 in their place, for GGUF");
}

void export_sentencepiece(const Source& source, VocabExport& to) {
  to.model = "llama";
  to.pre = "default";
  check_sentencepiece(source, to);
  set_scores(source, to);
  const Json& model = source.file.document.at("model");
  const std::string unknown = model.contains("unk_token") && model["unk_token"].is_string() ? model["unk_token"] : "";
  for (size_t i = 0; i < to.tokens.size(); ++i) {
    if (to.tokens[i] == unknown) to.token_types[i] = kUnknownToken;
    if (is_byte(to.tokens[i])) to.token_types[i] = kByteToken;
  }
}

// A .model file says all of it itself; tokenizer_config.json, what is put around a text.
VocabExport export_model(const std::string& model, const Json& config) {
  const SentencePieceSetup setup = read_sentencepiece(model);
  if (setup.unigram) wrong("tokenizer.model: the tokenizer is of the kind Unigram, needed: BPE, for a decoder's GGUF");
  VocabExport made;
  made.model = "llama";
  made.pre = "default";
  made.scores = setup.scores;
  for (size_t id = 0; id < setup.pieces.size(); ++id) {
    made.tokens.emplace_back(setup.pieces[id]);
    made.token_types.push_back(static_cast<int32_t>(setup.kinds[id]) + kNormalToken);  // both count in one order
    if (setup.kinds[id] == PieceKind::unknown) made.special.unk = static_cast<int32_t>(id);
  }
  made.special.bos = setup.bos;
  made.special.eos = setup.eos;
  made.special.pad = setup.pad;
  made.add_bos = bool_field(Node{config, ""}, "add_bos_token", false) && setup.bos >= 0;
  made.add_eos = bool_field(Node{config, ""}, "add_eos_token", false) && setup.eos >= 0;
  made.add_space_prefix = setup.rules.add_dummy_prefix;
  return made;
}

bool is_byte_level(const Source& source) {
  const auto steps = steps_of(source.file.document, "pre_tokenizer", "pretokenizers");
  return std::ranges::any_of(steps, [](const Json* step) { return type_of_step(*step) == "ByteLevel"; });
}

}  // namespace

Result<VocabExport> export_vocab(const std::string& folder) {
  return caught(folder, [&] {
    const fs::path path = folder;
    std::error_code error;
    if (!fs::exists(path / "tokenizer.json", error) && !fs::exists(path / "vocab.json", error))
      if (const std::string model = text_of(path / "tokenizer.model"); !model.empty())
        return export_model(model, companion("tokenizer_config.json", text_of(path / "tokenizer_config.json")));
    const Source source = open_source(folder);
    if (source.parts->kind != "BPE")
      wrong("{}: the tokenizer is of the kind {}, needed: BPE, for a decoder's GGUF", source.name, source.parts->kind);
    VocabExport made;
    const Vocab& vocab = source.parts->vocab;
    for (int32_t id = 0; id < static_cast<int32_t>(vocab.size()); ++id) made.tokens.emplace_back(vocab.piece(id));
    set_types(source, made);
    set_ends(source, made);
    if (is_byte_level(source))
      export_byte_level(source, made);
    else
      export_sentencepiece(source, made);
    return made;
  });
}

}  // namespace lathe::tokenize
