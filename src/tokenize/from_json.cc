// tokenizer.json as a whole: vocabulary and added tokens become ids without holes, then part after part is read.
#include <algorithm>

#include "tokenize/companions.h"
#include "tokenize/components.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

std::vector<AddedToken> read_added_tokens(const Node& root) {
  std::vector<AddedToken> tokens;
  const Json* list = find_field(root, "added_tokens");
  if (!list) return tokens;
  if (!list->is_array()) wrong("field \"added_tokens\" is a JSON {}, needed a list", type_of(*list));
  for (size_t i = 0; i < list->size(); ++i) {
    const Node node = element(root, "added_tokens", i, (*list)[i]);
    const int64_t id = whole_field(node, "id", -1);
    if (id < 0 || id >= kMostPieces)
      wrong("field \"{}\" is {}, needed an id from 0 to {}", node.path("id"), id, kMostPieces - 1);
    tokens.push_back(read_added_token(node, static_cast<int32_t>(id)));
  }
  return tokens;
}

// Every id once, and none left out. Views into `file` and `added`.
struct Pieces {
  std::vector<std::string_view> texts;
  std::vector<int32_t> model_ids;
};

Pieces number_pieces(const TokenizerFile& file, const std::vector<AddedToken>& added) {
  constexpr std::string_view kFree{};
  Pieces pieces;
  std::vector<bool> taken;
  const auto put = [&](int64_t id, std::string_view text, const char* field) {
    const auto at = static_cast<size_t>(id);
    if (at >= taken.size()) {
      // No more ids than entries: a greater one means that there are holes.
      const size_t most = file.pieces.size() + added.size();
      if (at >= most)
        wrong("field \"{}\": id {} of \"{}\" leaves holes, as there are {} pieces", field, id, text, most);
      taken.resize(at + 1);
      pieces.texts.resize(at + 1, kFree);
    }
    if (taken[at] && pieces.texts[at] != text)
      wrong("field \"{}\": id {} is of \"{}\" and of \"{}\"", field, id, pieces.texts[at], text);
    taken[at] = true;
    pieces.texts[at] = text;
  };
  for (size_t i = 0; i < file.pieces.size(); ++i) {
    const int64_t id = file.vocab_is_list ? static_cast<int64_t>(i) : file.ids[i];
    if (static_cast<size_t>(id) < taken.size() && taken[static_cast<size_t>(id)])
      wrong("field \"model.vocab\": id {} is of \"{}\" and of \"{}\"", id, pieces.texts[static_cast<size_t>(id)],
            file.pieces[i]);
    put(id, file.pieces[i], "model.vocab");
    pieces.model_ids.push_back(static_cast<int32_t>(id));
  }
  for (const AddedToken& token : added) put(token.id, token.content, "added_tokens");
  const auto hole = std::find(taken.begin(), taken.end(), false);
  if (hole != taken.end())
    wrong("field \"model.vocab\": no piece has id {}, though there are ids up to {}", hole - taken.begin(),
          taken.size() - 1);
  if (taken.empty()) wrong("field \"model.vocab\" has no pieces");
  return pieces;
}

void check_added_tokens(const std::vector<AddedToken>& added, const PieceIndex& model_pieces) {
  for (size_t i = 0; i < added.size(); ++i) {
    const int32_t id = model_pieces.find(added[i].content);
    if (id >= 0 && id != added[i].id)
      wrong("field \"added_tokens[{}]\": \"{}\" has id {}, but {} in the model's vocabulary", i, added[i].content,
            added[i].id, id);
  }
}

void read_truncation(const Node& root, Tokenizer::Parts& parts) {
  const auto truncation = object_field(root, "truncation");
  if (!truncation) return;
  const int64_t most = whole_field(*truncation, "max_length", 0);
  if (most > 0) parts.max_tokens = most;
  parts.truncate_left = text_field(*truncation, "direction") == "Left";
}

}  // namespace

std::unique_ptr<const Tokenizer::Parts> build_from_file(std::string_view name, const TokenizerFile& file,
                                                        const Companions& beside) {
  auto parts = std::make_unique<Tokenizer::Parts>();
  parts->name = name;
  const Node root{file.document, ""};
  const auto model = object_field(root, "model");
  if (!model) wrong("field \"model\" is missing, needed an object");
  parts->kind = model_kind(*model, file);
  std::vector<AddedToken> added = read_added_tokens(root);
  const Pieces pieces = number_pieces(file, added);
  parts->vocab = Vocab(pieces.texts);
  check_added_tokens(added, PieceIndex(parts->vocab, pieces.model_ids));
  parts->by_text = PieceIndex(parts->vocab, all_ids(parts->vocab));
  parts->is_special.assign(pieces.texts.size(), false);

  std::optional<BertRules> bert;
  if (const auto node = object_field(root, "normalizer")) parts->normalizer = read_normalizer(*node, bert);
  PreTokenizerReading reading;
  if (const auto node = object_field(root, "pre_tokenizer")) reading = read_pre_tokenizer(*node, parts->kind == "BPE");
  parts->pre_tokenizer = std::move(reading.pre_tokenizer);
  if (reading.is_bert) parts->bert = bert;
  read_model(*model, file, pieces.model_ids, reading.gives_bytes, *parts);
  if (const auto node = object_field(root, "post_processor")) read_post_processor(*node, *parts);
  parts->decoder = read_decoder(object_field(root, "decoder"));
  set_added_tokens(*parts, std::move(added));
  read_truncation(root, *parts);
  read_companions(beside, *parts);
  return parts;
}

Result<Tokenizer> Tokenizer::from_json(std::string_view name, std::string_view json, const Companions& beside) {
  return caught(name, [&] { return make_tokenizer(build_from_file(name, read_tokenizer_file(json), beside)); });
}

}  // namespace lathe::tokenize
