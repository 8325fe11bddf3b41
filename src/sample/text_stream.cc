#include "sample/text_stream.h"

#include <utility>

#include "tokenize/utf8.h"

namespace lathe::sample {
namespace {

// Bytes at the end of `text` that may become a character: a lead byte and what follows, too few as yet. Whether they
// are the beginning of a valid one is seen when the rest comes.
size_t incomplete_bytes(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const char byte = text[text.size() - back];
    if (tokenize::is_continuation(byte)) continue;
    return !tokenize::is_ascii(byte) && tokenize::sequence_length(byte) > back ? back : 0;
  }
  return 0;
}

}  // namespace

Status TextStream::push(int32_t token, std::string& out) {
  if (stopped_ || (!show_special_ && tokenizer_.is_special(token))) return {};
  if (Status status = tokenizer_.append_bytes(token, bytes_); !status.ok()) return status;
  if (std::exchange(begins_, false) && bytes_.starts_with(' ')) {
    const auto alone = tokenizer_.decode({&token, 1});
    if (!alone) return alone.status();
    if (!alone->starts_with(' ')) bytes_.erase(0, 1);
  }
  const size_t whole = bytes_.size() - incomplete_bytes(bytes_);
  mended_.clear();
  tokenize::append_valid(std::string_view(bytes_).substr(0, whole), mended_);
  bytes_.erase(0, whole);
  append(mended_, out);
  return {};
}

void TextStream::append(std::string_view text, std::string& out) {
  for (const char byte : text) {
    state_ = stops_.next(state_, byte);
    held_ += byte;
    const size_t found = stops_.found(state_);
    if (found == 0) continue;
    out.append(held_, 0, held_.size() - found);
    held_.clear();
    stopped_ = true;
    return;
  }
  const size_t certain = held_.size() - stops_.open(state_);
  out.append(held_, 0, certain);
  held_.erase(0, certain);
}

void TextStream::finish(std::string& out) {
  if (stopped_) return;
  mended_.clear();
  tokenize::append_valid(bytes_, mended_);
  bytes_.clear();
  append(mended_, out);
  if (!stopped_) out += held_;
  held_.clear();
}

}  // namespace lathe::sample
