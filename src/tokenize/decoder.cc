#include "tokenize/decoder.h"

#include "tokenize/byte_alphabet.h"
#include "tokenize/byte_fallback.h"
#include "tokenize/space_cuts.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";       // U+FFFD
constexpr std::string_view kUnknownSurface = " \xE2\x81\x87 ";  // U+2047, SentencePiece's

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::string made;
  size_t at = 0;
  for (size_t found; (found = text.find(from, at)) != text.npos; at = found + from.size())
    made.append(text, at, found - at).append(to);
  if (at > 0) text = made.append(text, at);
}

// A step that is a function, and another for a token inside a text.
template <class Apply, class Inside>
class Step : public DecoderStep {
 public:
  Step(Apply apply, Inside inside) : apply_(std::move(apply)), inside_(std::move(inside)) {}
  void apply(std::vector<std::string>& tokens) const override { apply_(tokens); }
  void apply_inside(std::string& token) const override { inside_(token); }

 private:
  Apply apply_;
  Inside inside_;
};
constexpr auto kNothing = [](std::string&) {};
template <class Apply, class Inside = decltype(kNothing)>
DecoderStepPtr step(Apply apply, Inside inside = kNothing) {
  return std::make_unique<Step<Apply, Inside>>(std::move(apply), std::move(inside));
}

// The bytes of one token in GPT-2's alphabet; a token with other characters (an added one) is taken as it is.
void append_alphabet_bytes(std::string_view token, std::string& out) {
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

  void append_bytes(int32_t id, const Vocab& vocab, std::string& out) const override {
    std::string token(steps_ ? "" : " ");
    token += vocab.piece(id);
    if (steps_)
      for (const auto& one : *steps_) one->apply_inside(token);
    out += token;
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
        text += kUnknownSurface;
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

  void append_bytes(int32_t id, const Vocab& vocab, std::string& out) const override {
    const PieceKind kind = kinds_[static_cast<size_t>(id)];
    std::string piece(vocab.piece(id));
    if (kind == PieceKind::control) return;
    if (kind == PieceKind::unknown) piece = kUnknownSurface;
    if (kind == PieceKind::byte && byte_piece_value(piece) >= 0)
      piece.assign(1, static_cast<char>(byte_piece_value(piece)));
    replace_all(piece, kSpaceMark, " ");
    out += piece;
  }

 private:
  std::vector<PieceKind> kinds_;
  bool drop_first_space_, drop_leading_spaces_;
};

}  // namespace

DecoderStepPtr byte_level_decoder() {
  const auto all = [](std::vector<std::string>& tokens) {
    std::string bytes, text;
    for (const auto& token : tokens) append_alphabet_bytes(token, bytes);
    append_valid(bytes, text);
    tokens.assign(1, text);
  };
  return step(all, [](std::string& token) {
    std::string bytes;
    append_alphabet_bytes(token, bytes);
    token = std::move(bytes);
  });
}

DecoderStepPtr wordpiece_decoder(std::string prefix, bool cleanup) {
  const auto inside = [prefix = std::move(prefix), cleanup](std::string& token) {
    if (token.starts_with(prefix))
      token.erase(0, prefix.size());
    else
      token.insert(0, " ");
    if (cleanup) clean_up(token);
  };
  const auto all = [inside, cleanup](std::vector<std::string>& tokens) {
    if (!tokens.empty() && cleanup) clean_up(tokens.front());
    for (size_t i = 1; i < tokens.size(); ++i) inside(tokens[i]);
  };
  return step(all, inside);
}

DecoderStepPtr metaspace_decoder(std::string replacement, bool drop_first) {
  const auto all = [replacement, drop_first](std::vector<std::string>& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) replace_all(tokens[i], replacement, i == 0 && drop_first ? "" : " ");
  };
  return step(all,
              [replacement = std::move(replacement)](std::string& token) { replace_all(token, replacement, " "); });
}

DecoderStepPtr bpe_decoder(std::string suffix) {
  const auto all = [suffix](std::vector<std::string>& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i)
      if (!suffix.empty()) replace_all(tokens[i], suffix, i + 1 == tokens.size() ? "" : " ");
  };
  return step(all, [suffix = std::move(suffix)](std::string& token) {
    if (!suffix.empty()) replace_all(token, suffix, " ");
  });
}

DecoderStepPtr byte_fallback_decoder() {
  const auto all = [](std::vector<std::string>& tokens) {
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
  };
  return step(all, [](std::string& token) {
    if (const int byte = byte_piece_value(token); byte >= 0) token.assign(1, static_cast<char>(byte));
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
  const auto one = [pattern = std::make_shared<Regex>(std::move(pattern)),
                    content = std::move(content)](std::string& token) {
    MatchMemory memory;
    std::string made;
    size_t at = 0;
    while (at < token.size()) {
      const auto match = pattern->find(token, at, memory);
      if (!match.found || match.end == match.begin) break;
      made.append(token, at, match.begin - at).append(content);
      at = match.end;
    }
    token = made.append(token, at);
  };
  const auto all = [one](std::vector<std::string>& tokens) {
    for (auto& token : tokens) one(token);
  };
  return step(all, one);
}

DecoderPtr step_decoder(std::optional<std::vector<DecoderStepPtr>> steps) {
  return std::make_unique<StepDecoder>(std::move(steps));
}

DecoderPtr sentencepiece_decoder(std::vector<PieceKind> kinds, bool drop_first_space, bool drop_leading_spaces) {
  return std::make_unique<SentencePieceDecoder>(std::move(kinds), drop_first_space, drop_leading_spaces);
}

}  // namespace lathe::tokenize
