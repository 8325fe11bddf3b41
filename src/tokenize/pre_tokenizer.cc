#include "tokenize/pre_tokenizer.h"

#include <algorithm>

#include "tokenize/byte_alphabet.h"
#include "tokenize/unicode.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

std::string_view word_of(const Words& words, Span span) { return words.text.substr(span.begin, span.end - span.begin); }

// Takes the matches of one word and what lies between them, in order, and appends the words they make.
class Splitter {
 public:
  Splitter(Behavior behavior, std::vector<Span>& out) : behavior_(behavior), out_(out), first_(out.size()) {}

  void add(Span span, bool match) {
    if (span.begin == span.end) return;
    switch (behavior_) {
      case Behavior::removed:
        if (!match) out_.push_back(span);
        break;
      case Behavior::isolated:
        out_.push_back(span);
        break;
      case Behavior::contiguous:
        extend_or_add(span, match == before_ && any());
        break;
      case Behavior::merged_with_previous:
        extend_or_add(span, match && !before_ && any());
        break;
      case Behavior::merged_with_next:  // a match that a non-match follows leads it
        extend_or_add(span, before_ && !match && any());
        break;
    }
    before_ = match;
  }

 private:
  bool any() const { return out_.size() > first_; }
  void extend_or_add(Span span, bool extend) {
    if (extend)
      out_.back().end = span.end;
    else
      out_.push_back(span);
  }

  Behavior behavior_;
  std::vector<Span>& out_;
  size_t first_;
  bool before_ = false;
};

template <class Cut>
void cut_each(Words& words, Cut&& cut) {
  words.next.clear();
  for (const Span span : words.spans) cut(span);
  std::swap(words.spans, words.next);
}

// Writes every word anew by write(word, is_first, out).
template <class Write>
void rewrite(Words& words, Write&& write) {
  words.spare.clear();
  words.next.clear();
  for (const Span span : words.spans) {
    const auto begin = static_cast<uint32_t>(words.spare.size());
    write(word_of(words, span), words.at_start && span.begin == 0, words.spare);
    words.next.push_back({begin, static_cast<uint32_t>(words.spare.size())});
  }
  words.at_start = words.at_start && !words.spans.empty() && words.spans.front().begin == 0;
  std::swap(words.spans, words.next);
  std::swap(words.rewritten, words.spare);
  words.text = words.rewritten;
}

}  // namespace

void SplitByClass::cut(WorkspaceState& work) const {
  Words& words = work.words;
  cut_each(words, [&](Span span) {
    Splitter splitter(behavior_, words.next);
    uint32_t begin = span.begin;
    for (uint32_t at = span.begin; at < span.end;) {
      const CodePoint c = first_code_point(words.text.substr(at));
      if (matches_(c.value)) {
        splitter.add({begin, at}, false);
        splitter.add({at, at + c.length}, true);
        begin = at + c.length;
      }
      at += c.length;
    }
    splitter.add({begin, span.end}, false);
  });
}

void SplitByRegex::cut(WorkspaceState& work) const {
  Words& words = work.words;
  cut_each(words, [&](Span span) {
    const std::string_view word = word_of(words, span);
    Splitter splitter(behavior_, words.next);
    const auto add = [&](size_t begin, size_t end, bool match) {
      splitter.add({span.begin + static_cast<uint32_t>(begin), span.begin + static_cast<uint32_t>(end)},
                   match != invert_);
    };
    size_t begin = 0;
    for (size_t at = 0; at < word.size();) {
      const auto match = pattern_.find(word, at, work.match);
      if (!match.found) break;
      add(begin, match.begin, false);
      add(match.begin, match.end, true);
      begin = at = match.end;
      if (match.begin == match.end) at += at < word.size() ? sequence_length(word[at]) : 1;  // an empty match
    }
    add(begin, word.size(), false);
  });
}

void SplitByGptPattern::cut(WorkspaceState& work) const {
  cut_each(work.words, [&](Span span) { cut_by_pattern(pattern_, work.words.text, span, work.words.next); });
}

void WhitespaceWords::cut(WorkspaceState& work) const {
  Words& words = work.words;
  enum class Kind { space, word, rest };
  cut_each(words, [&](Span span) {
    Kind before = Kind::space;
    for (uint32_t at = span.begin; at < span.end;) {
      const CodePoint c = first_code_point(words.text.substr(at));
      const Kind kind = is_word(c.value) ? Kind::word : is_whitespace(c.value) ? Kind::space : Kind::rest;
      if (kind != Kind::space && kind == before)
        words.next.back().end = at + c.length;
      else if (kind != Kind::space)
        words.next.push_back({at, at + c.length});
      before = kind;
      at += c.length;
    }
  });
}

void Metaspace::cut(WorkspaceState& work) const {
  Words& words = work.words;
  rewrite(words, [&](std::string_view word, bool first, std::string& out) {
    const bool wanted = prepend_ == Prepend::always || (prepend_ == Prepend::first && first);
    if (wanted && !word.starts_with(' ') && !word.starts_with(replacement_)) out += replacement_;
    for (const char c : word) {
      if (c == ' ')
        out += replacement_;
      else
        out += c;
    }
  });
  if (!split_) return;
  cut_each(words, [&](Span span) {
    Splitter splitter(Behavior::merged_with_next, words.next);
    const std::string_view word = word_of(words, span);
    for (size_t at = 0; at < word.size();) {
      const bool match = word.substr(at).starts_with(replacement_);
      const size_t end = match ? at + replacement_.size() : std::min(word.find(replacement_, at), word.size());
      splitter.add({span.begin + static_cast<uint32_t>(at), span.begin + static_cast<uint32_t>(end)}, match);
      at = end;
    }
  });
}

void ByteLevel::cut(WorkspaceState& work) const {
  Words& words = work.words;
  const bool spaces_missing = add_space_ && std::any_of(words.spans.begin(), words.spans.end(),
                                                        [&](Span span) { return words.text[span.begin] != ' '; });
  if (spaces_missing)
    rewrite(words, [](std::string_view word, bool, std::string& out) {
      if (!word.starts_with(' ')) out += ' ';
      out += word;
    });
  if (pattern_) SplitByGptPattern(*pattern_).cut(work);
  if (rewrite_)
    rewrite(words, [](std::string_view word, bool, std::string& out) {
      for (const char c : word) out += byte_alphabet()[static_cast<unsigned char>(c)];
    });
}

}  // namespace lathe::tokenize
