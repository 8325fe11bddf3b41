// From ids back to text.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tokenize/regex.h"
#include "tokenize/vocab.h"

namespace lathe::tokenize {

// A step of tokenizer.json's "decoder": changes the tokens, or how many there are.
class DecoderStep {
 public:
  virtual ~DecoderStep() = default;
  virtual void apply(std::vector<std::string>& tokens) const = 0;
  // What it makes of one token inside a text, as bytes that may be part of a character.
  virtual void apply_inside(std::string&) const {}
};
using DecoderStepPtr = std::unique_ptr<const DecoderStep>;

DecoderStepPtr byte_level_decoder();
DecoderStepPtr wordpiece_decoder(std::string prefix, bool cleanup);
DecoderStepPtr metaspace_decoder(std::string replacement, bool drop_first);
DecoderStepPtr bpe_decoder(std::string suffix);
DecoderStepPtr byte_fallback_decoder();
DecoderStepPtr fuse_decoder();
DecoderStepPtr strip_decoder(std::string content, size_t start, size_t stop);
DecoderStepPtr replace_decoder(Regex pattern, std::string content);

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::string decode(std::span<const int32_t> ids, const Vocab& vocab) const = 0;
  // Appends the bytes that a token adds to a text that has begun: decode() of many tokens is theirs one after the
  // other, made valid, but for what a decoder does at the edges of a text.
  virtual void append_bytes(int32_t id, const Vocab& vocab, std::string& out) const = 0;
};
using DecoderPtr = std::unique_ptr<const Decoder>;

// The steps in order, the tokens then joined; with no decoder at all (`steps` not given) by spaces.
DecoderPtr step_decoder(std::optional<std::vector<DecoderStepPtr>> steps);

// SentencePiece's own. What a piece is, by id.
enum class PieceKind : uint8_t { normal, unknown, control, user_defined, unused, byte };
DecoderPtr sentencepiece_decoder(std::vector<PieceKind> kinds, bool drop_first_space, bool drop_leading_spaces);

}  // namespace lathe::tokenize
