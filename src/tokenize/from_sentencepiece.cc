// A SentencePiece .model: the message ModelProto of sentencepiece_model.proto.
#include <fmt/format.h>

#include "tokenize/companions.h"
#include "tokenize/sentencepiece_parts.h"
#include "tokenize/wire.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

struct TrainerSpec {
  uint64_t model_type = 1;  // 1: Unigram, 2: BPE
  int64_t bos = 1, eos = 2, pad = -1;
};

PieceKind kind_of(uint64_t type, size_t piece) {
  switch (type) {
    case 1:
      return PieceKind::normal;
    case 2:
      return PieceKind::unknown;
    case 3:
      return PieceKind::control;
    case 4:
      return PieceKind::user_defined;
    case 5:
      return PieceKind::unused;
    case 6:
      return PieceKind::byte;
    default:
      wrong("field \"pieces\": piece {} is of type {}, needed 1 to 6", piece, type);
  }
}

void read_piece(std::string_view bytes, SentencePieceSetup& setup) {
  const size_t index = setup.pieces.size();
  if (static_cast<int64_t>(index) == kMostPieces) wrong("field \"pieces\" has more than {} entries", kMostPieces);
  std::string_view text;
  float score = 0;
  uint64_t type = 1;
  WireReader reader(bytes, "field \"pieces\"");
  for (WireField field; reader.next(field);) {
    if (field.number == 1) text = field.bytes;
    if (field.number == 2) score = field.as_float();
    if (field.number == 3) type = field.value;
  }
  if (text.empty()) wrong("field \"pieces\": piece {} is empty", index);
  setup.pieces.push_back(text);
  setup.scores.push_back(score);
  setup.kinds.push_back(kind_of(type, index));
}

void read_trainer_spec(std::string_view bytes, TrainerSpec& spec, SentencePieceSetup& setup) {
  WireReader reader(bytes, "field \"trainer_spec\"");
  for (WireField field; reader.next(field);) {
    switch (field.number) {
      case 3:
        spec.model_type = field.value;
        break;
      case 24:
        setup.rules.whitespace_as_suffix = field.value != 0;
        break;
      case 35:
        setup.byte_fallback = field.value != 0;
        break;
      case 41:
        spec.bos = static_cast<int32_t>(field.value);
        break;
      case 42:
        spec.eos = static_cast<int32_t>(field.value);
        break;
      case 43:
        spec.pad = static_cast<int32_t>(field.value);
        break;
      default:
        break;  // how it was trained
    }
  }
}

void read_normalizer_spec(std::string_view bytes, SentencePieceSetup& setup) {
  WireReader reader(bytes, "field \"normalizer_spec\"");
  for (WireField field; reader.next(field);) {
    switch (field.number) {
      case 2:
        setup.charsmap = field.bytes;
        break;
      case 3:
        setup.rules.add_dummy_prefix = field.value != 0;
        break;
      case 4:
        setup.rules.remove_extra_whitespaces = field.value != 0;
        break;
      case 5:
        setup.rules.escape_whitespaces = field.value != 0;
        break;
      default:
        break;  // its name, and rules as text
    }
  }
}

int32_t control_id(const SentencePieceSetup& setup, int64_t id) {
  const bool there = id >= 0 && id < static_cast<int64_t>(setup.kinds.size());
  return there && setup.kinds[static_cast<size_t>(id)] == PieceKind::control ? static_cast<int32_t>(id) : -1;
}

void check_distinct(const SentencePieceSetup& setup, const PieceIndex& by_text) {
  for (size_t i = 0; i < setup.pieces.size(); ++i)
    if (by_text.find(setup.pieces[i]) != static_cast<int32_t>(i))
      wrong("field \"pieces\": \"{}\" is piece {} and piece {}", setup.pieces[i], i, by_text.find(setup.pieces[i]));
}

}  // namespace

SentencePieceSetup read_sentencepiece(std::string_view model) {
  SentencePieceSetup setup;
  setup.charsmap_field = "normalizer_spec.precompiled_charsmap";
  TrainerSpec trainer;
  WireReader reader(model, "the model");
  for (WireField field; reader.next(field);) {
    if (field.number == 1) read_piece(field.bytes, setup);
    if (field.number == 2) read_trainer_spec(field.bytes, trainer, setup);
    if (field.number == 3) read_normalizer_spec(field.bytes, setup);
  }
  if (trainer.model_type != 1 && trainer.model_type != 2)
    wrong("field \"trainer_spec.model_type\" is {}, needed 1 (Unigram) or 2 (BPE)", trainer.model_type);
  setup.unigram = trainer.model_type == 1;
  setup.bos = control_id(setup, trainer.bos);
  setup.eos = control_id(setup, trainer.eos);
  setup.pad = control_id(setup, trainer.pad);
  return setup;
}

Result<Tokenizer> Tokenizer::from_sentencepiece(std::string_view name, std::string_view model,
                                                const Companions& beside) {
  return caught(name, [&] {
    const SentencePieceSetup setup = read_sentencepiece(model);
    auto parts = sentencepiece_parts(name, setup);
    check_distinct(setup, parts->by_text);
    parts->special.bos = setup.bos;
    parts->special.eos = setup.eos;
    parts->special.pad = setup.pad;
    // SentencePiece itself adds no special tokens; transformers' slow tokenizers say so in their configuration.
    const Json config = companion("tokenizer_config.json", beside.tokenizer_config);
    const Node node{config, ""};
    if (bool_field(node, "add_bos_token", false) && parts->special.bos >= 0)
      parts->before.push_back(parts->special.bos);
    if (bool_field(node, "add_eos_token", false) && parts->special.eos >= 0) parts->after.push_back(parts->special.eos);
    return make_tokenizer(std::move(parts));
  });
}

}  // namespace lathe::tokenize
