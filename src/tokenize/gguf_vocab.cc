#include "tokenize/gguf_vocab.h"

#include <string>

#include "tokenize/vocab.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

enum TokenType : int32_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

}  // namespace

PieceKind kind_of(const GgufVocab& v, size_t token) {
  if (v.token_types.empty()) return PieceKind::normal;
  switch (v.token_types[token]) {
    case 0:  // undefined
    case kNormal:
      return PieceKind::normal;
    case kUnknown:
      return PieceKind::unknown;
    case kControl:
      return PieceKind::control;
    case kUserDefined:
      return PieceKind::user_defined;
    case kUnused:
      return PieceKind::unused;
    case kByte:
      return PieceKind::byte;
    default:
      wrong("field \"tokenizer.ggml.token_type\": token {} has type {}, needed 0 to 6", token, v.token_types[token]);
  }
}

void check_vocab(const GgufVocab& v) {
  if (v.tokens.empty()) wrong("field \"tokenizer.ggml.tokens\" is missing or empty");
  if (static_cast<int64_t>(v.tokens.size()) > kMostPieces)
    wrong("field \"tokenizer.ggml.tokens\" has {} entries, at most {} are taken", v.tokens.size(), kMostPieces);
  if (!v.token_types.empty() && v.token_types.size() != v.tokens.size())
    wrong("field \"tokenizer.ggml.token_type\" has {} entries, needed {}, one a token", v.token_types.size(),
          v.tokens.size());
  if (!v.scores.empty() && v.scores.size() != v.tokens.size())
    wrong("field \"tokenizer.ggml.scores\" has {} entries, needed {}, one a token", v.scores.size(), v.tokens.size());
  const auto check_id = [&](int32_t id, const char* field) {
    if (id < -1 || id >= static_cast<int64_t>(v.tokens.size()))
      wrong("field \"tokenizer.ggml.{}\" is {}, needed an id from 0 to {}", field, id, v.tokens.size() - 1);
  };
  check_id(v.special.cls, "cls_token_id");
  check_id(v.special.sep, "seperator_token_id");
  check_id(v.special.bos, "bos_token_id");
  check_id(v.special.eos, "eos_token_id");
  check_id(v.special.pad, "padding_token_id");
  check_id(v.special.unk, "unknown_token_id");
  check_id(v.special.mask, "mask_token_id");
}

const ByteLevelKind& byte_level_kind(std::string_view pre) {
  std::string known;
  for (const ByteLevelKind& kind : kByteLevelKinds) {
    if (kind.pre == pre) return kind;
    (known += known.empty() ? "" : ", ") += kind.pre;
  }
  wrong("field \"tokenizer.ggml.pre\" is \"{}\", needed one of {}", pre, known);
}

}  // namespace lathe::tokenize
