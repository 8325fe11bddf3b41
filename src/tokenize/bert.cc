#include "tokenize/bert.h"

#include <array>

#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

bool is_bert_control(uint32_t c) { return c != '\t' && c != '\n' && c != '\r' && is_other(c); }

// The code points of the normalized text, one after another. Marks wait in `pending` until the next starter, because
// their order is canonical only then; of those the nonspacing ones are dropped.
template <class Sink>
class BertStream {
 public:
  BertStream(const BertRules& rules, std::vector<int32_t>& pending, Sink& sink)
      : rules_(rules), pending_(pending), sink_(sink) {
    pending_.clear();
  }

  void take(uint32_t c) {
    if (rules_.clean_text) {
      if (c == 0 || c == 0xFFFD || is_bert_control(c)) return;
      if (is_whitespace(c)) c = ' ';
    }
    const bool spaced = rules_.space_cjk && is_cjk_ideograph(c);
    if (spaced) decompose(' ');
    decompose(c);
    if (spaced) decompose(' ');
  }
  void finish() { flush(pending_.size()); }

 private:
  void decompose(uint32_t c) {
    if (!rules_.strip_accents) return lower(c);
    const size_t before = pending_.size();
    append_decomposed(c, false, pending_);
    // A starter: what waited is complete.
    if (before > 0 && combining_class(static_cast<uint32_t>(pending_[before])) == 0) flush(before);
  }
  void flush(size_t count) {
    order_marks(pending_, 0);
    for (size_t i = 0; i < count; ++i) {
      const auto c = static_cast<uint32_t>(pending_[i]);
      if (c < 0x300 || !is_nonspacing(c)) lower(c);
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(count));
  }
  void lower(uint32_t c) {
    if (!rules_.lowercase) return sink_(c);
    if (c < 0x80) return sink_(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    sink_(c == 0x130 ? 'i' : simple_lower(c));
    if (c == 0x130) sink_(0x307);
  }

  const BertRules& rules_;
  std::vector<int32_t>& pending_;
  Sink& sink_;
};

// What an ASCII byte is to BERT with clean_text.
enum class Ascii : uint8_t { dropped, space, punctuation, letter };
constexpr std::array<Ascii, 128> ascii_classes() {
  std::array<Ascii, 128> table{};
  for (int c = 0; c < 128; ++c) {
    const bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    table[static_cast<size_t>(c)] = alnum                ? Ascii::letter
                                    : space              ? Ascii::space
                                    : c < 32 || c == 127 ? Ascii::dropped
                                                         : Ascii::punctuation;
  }
  return table;
}
constexpr std::array<Ascii, 128> kAscii = ascii_classes();

// Collects normalized code points into words.
struct WordSink {
  const Model& model;
  WorkspaceState& work;
  std::vector<int32_t>& out;

  void operator()(uint32_t c) {
    if (is_whitespace(c)) return flush();
    if (!is_punctuation(c)) return append_code_point(c, work.word);
    flush();
    append_code_point(c, work.word);
    flush();
  }
  void flush() {
    if (work.word.empty()) return;
    model.encode(work.word, work, out);
    work.word.clear();
  }
};

}  // namespace

void BertNormalizer::append(std::string_view text, WorkspaceState& work, std::string& out) const {
  const auto sink = [&out](uint32_t c) { append_code_point(c, out); };
  BertStream stream(rules_, work.code_points, sink);
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    stream.take(c.value);
    text.remove_prefix(c.length);
  }
  stream.finish();
}

void encode_bert(std::string_view text, const BertRules& rules, const Model& model, WorkspaceState& work,
                 std::vector<int32_t>& out) {
  work.word.clear();
  WordSink words{model, work, out};
  BertStream stream(rules, work.code_points, words);
  const char fold = rules.lowercase ? 0x20 : 0;
  for (size_t at = 0; at < text.size();) {
    if (!is_ascii(text[at])) {
      const CodePoint c = first_code_point(text.substr(at));
      stream.take(c.value);
      at += c.length;
      continue;
    }
    stream.finish();
    for (; at < text.size() && is_ascii(text[at]); ++at) {
      const char c = text[at];
      switch (rules.clean_text ? kAscii[static_cast<size_t>(c)] : Ascii::dropped) {
        case Ascii::letter:
          work.word += static_cast<char>(c >= 'A' && c <= 'Z' ? c | fold : c);
          break;
        case Ascii::space:
          words.flush();
          break;
        case Ascii::punctuation:
          words.flush();
          work.word = c;
          words.flush();
          break;
        case Ascii::dropped:
          if (!rules.clean_text) words(static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c | fold : c));
          break;
      }
    }
  }
  stream.finish();
  words.flush();
}

}  // namespace lathe::tokenize
