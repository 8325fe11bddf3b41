#include "tokenize/decoder.h"

#include "tokenize/byte_alphabet.h"
#include "tokenize/byte_fallback.h"
#include "tokenize/space_cuts.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::string made;
  size_t at = 0;
  for (size_t found; (found = text.find(from, at)) != text.npos; at = found + from.size())
    made.append(text, at, found - at).append(to);
  if (at > 0) text = made.append(text, at);
}

// A step that is a function.
template <class Apply>
class Step : public DecoderStep {
 public:
  explicit Step(Apply apply) : apply_(std::move(apply)) {}
  void apply(std::vector<std::string>& tokens) const override { apply_(tokens); }

 private:
  Apply apply_;
};
template <class Apply>
DecoderStepPtr step(Apply apply) {
  return std::make_unique<Step<Apply>>(std::move(apply));
}

// The bytes of one token in GPT-2's alphabet; a token with other characters (an added one) is taken as it is.
void append_bytes(std::string_view token, std::string& out) {
  const size_t before = out.size();
  for (size_t at = 0; at < token.size();) {
    const CodePoint c = first_code_point(token.substr(at));
    const int byte = byte_of(c.value);
    if (byte < 0) {
      out.resize(before);
      out += token;
      return;
    }
    out += static_cast<char>(byte);
    at += c.length;
  }
}

void clean_up(std::string& text) {
  constexpr std::string_view kRules[][2] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                                            {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                                            {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kRules) replace_all(text, from, to);
}

// Bytes that are a text, or U+FFFD for each of them.
void append_fallback(std::string& bytes, std::string& out) {
  if (is_valid_utf8(bytes))
    out += bytes;
  else
    for (size_t i = 0; i < bytes.size(); ++i) out += kReplacement;
  bytes.clear();
}

class StepDecoder : public Decoder {
 public:
  explicit StepDecoder(std::optional<std::vector<DecoderStepPtr>> steps) : steps_(std::move(steps)) {}

  std::string decode(std::span<const int32_t> ids, const Vocab& vocab) const override {
    std::vector<std::string> tokens;
    for (const int32_t id : ids) tokens.emplace_back(vocab.piece(id));
    if (steps_)
      for (const auto& one : *steps_) one->apply(tokens);
    std::string text;
    for (size_t i = 0; i < tokens.size(); ++i) (text += !steps_ && i > 0 ? " " : "") += tokens[i];
    return text;
  }

 private:
  std::optional<std::vector<DecoderStepPtr>> steps_;
};

class SentencePieceDecoder : public Decoder {
 public:
  SentencePieceDecoder(std::vector<PieceKind> kinds, bool drop_first_space, bool drop_leading_spaces)
      : kinds_(std::move(kinds)), drop_first_space_(drop_first_space), drop_leading_spaces_(drop_leading_spaces) {}

  std::string decode(std::span<const int32_t> ids, const Vocab& vocab) const override {
    std::string text, bytes, mended;
    bool dropped = false;
    const auto flush = [&] {
      mended.clear();
      append_valid(bytes, mended);
      text += mended;
      bytes.clear();
    };
    for (const int32_t id : ids) {
      const PieceKind kind = kinds_[static_cast<size_t>(id)];
      std::string_view piece = vocab.piece(id);
      if (kind == PieceKind::byte && byte_piece_value(piece) >= 0) {
        bytes += static_cast<char>(byte_piece_value(piece));
        continue;
      }
      flush();
      if (kind == PieceKind::control) continue;
      if (kind == PieceKind::unknown) {
        text += " \xE2\x81\x87 ";  // U+2047
        continue;
      }
      if (drop_first_space_ && !dropped && text.empty() && piece.starts_with(kSpaceMark)) {
        piece.remove_prefix(kSpaceMark.size());
        dropped = !drop_leading_spaces_;
      }
      std::string surface(piece);
      replace_all(surface, kSpaceMark, " ");
      text += surface;
    }
    flush();
    return text;
  }

 private:
  std::vector<PieceKind> kinds_;
  bool drop_first_space_, drop_leading_spaces_;
};

}  // namespace

DecoderStepPtr byte_level_decoder() {
  return step([](std::vector<std::string>& tokens) {
    std::string bytes, text;
    for (const auto& token : tokens) append_bytes(token, bytes);
    append_valid(bytes, text);
    tokens.assign(1, text);
  });
}

DecoderStepPtr wordpiece_decoder(std::string prefix, bool cleanup) {
  return step([prefix = std::move(prefix), cleanup](std::vector<std::string>& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0 && tokens[i].starts_with(prefix))
        tokens[i].erase(0, prefix.size());
      else if (i > 0)
        tokens[i].insert(0, " ");
      if (cleanup) clean_up(tokens[i]);
    }
  });
}

DecoderStepPtr metaspace_decoder(std::string replacement, bool drop_first) {
  return step([replacement = std::move(replacement), drop_first](std::vector<std::string>& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) replace_all(tokens[i], replacement, i == 0 && drop_first ? "" : " ");
  });
}

DecoderStepPtr bpe_decoder(std::string suffix) {
  return step([suffix = std::move(suffix)](std::vector<std::string>& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i)
      if (!suffix.empty()) replace_all(tokens[i], suffix, i + 1 == tokens.size() ? "" : " ");
  });
}

DecoderStepPtr byte_fallback_decoder() {
  return step([](std::vector<std::string>& tokens) {
    std::vector<std::string> made;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      made.emplace_back();
      append_fallback(bytes, made.back());
    };
    for (auto& token : tokens) {
      const int byte = byte_piece_value(token);
      if (byte >= 0) {
        bytes += static_cast<char>(byte);
        continue;
      }
      flush();
      made.push_back(std::move(token));
    }
    flush();
    tokens = std::move(made);
  });
}

DecoderStepPtr fuse_decoder() {
  return step([](std::vector<std::string>& tokens) {
    std::string all;
    for (const auto& token : tokens) all += token;
    tokens.assign(1, all);
  });
}

DecoderStepPtr strip_decoder(std::string content, size_t start, size_t stop) {
  return step([content = std::move(content), start, stop](std::vector<std::string>& tokens) {
    for (auto& token : tokens) {
      std::string_view rest = token;
      for (size_t i = 0; i < start && rest.starts_with(content); ++i) rest.remove_prefix(content.size());
      for (size_t i = 0; i < stop && rest.ends_with(content); ++i) rest.remove_suffix(content.size());
      token = std::string(rest);
    }
  });
}

DecoderStepPtr replace_decoder(Regex pattern, std::string content) {
  return step([pattern = std::make_shared<Regex>(std::move(pattern)),
               content = std::move(content)](std::vector<std::string>& tokens) {
    MatchMemory memory;
    for (auto& token : tokens) {
      std::string made;
      size_t at = 0;
      while (at < token.size()) {
        const auto match = pattern->find(token, at, memory);
        if (!match.found || match.end == match.begin) break;
        made.append(token, at, match.begin - at).append(content);
        at = match.end;
      }
      token = made.append(token, at);
    }
  });
}

DecoderPtr step_decoder(std::optional<std::vector<DecoderStepPtr>> steps) {
  return std::make_unique<StepDecoder>(std::move(steps));
}

DecoderPtr sentencepiece_decoder(std::vector<PieceKind> kinds, bool drop_first_space, bool drop_leading_spaces) {
  return std::make_unique<SentencePieceDecoder>(std::move(kinds), drop_first_space, drop_leading_spaces);
}

}  // namespace lathe::tokenize
