#include "run/text_stream.h"

#include <algorithm>

namespace lathe::run {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD, what bytes without their fellows decode to
constexpr size_t kBefore = 4;                              // tokens: as many as one character's bytes take
// A sequence of replacement characters longer than any character's bytes is text.
constexpr size_t kMostHeld = 4;

}  // namespace

TextStream::TextStream(const tokenize::Tokenizer& tokenizer, std::span<const int32_t> before) : tokenizer_(&tokenizer) {
  const auto last = before.last(std::min(before.size(), kBefore));
  ids_.assign(last.begin(), last.end());
  shown_ = ids_.size();
  if (auto text = tokenizer_->decode(ids_)) before_ = std::move(*text);
}

Result<std::string> TextStream::push(int32_t id) {
  ids_.push_back(id);
  return take(false);
}

Result<std::string> TextStream::finish() { return take(true); }

Result<std::string> TextStream::take(bool all) {
  const auto text = tokenizer_->decode(ids_);
  if (!text) return text.status();
  if (!all && text->ends_with(kReplacement) && ids_.size() - shown_ < kMostHeld) return std::string();
  const size_t known = std::min(before_.size(), text->size());
  std::string fresh = text->substr(known);
  if (fresh.empty()) return fresh;  // a special token
  ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(shown_));
  shown_ = ids_.size();
  const auto last = tokenizer_->decode(ids_);
  if (!last) return last.status();
  before_ = *last;
  return fresh;
}

}  // namespace lathe::run
