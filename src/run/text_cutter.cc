#include "run/text_cutter.h"

#include <algorithm>

namespace lathe::run {
namespace {

// What stays allocated between texts.
constexpr size_t kKeptBytes = size_t{256} << 10;

std::string counted(int64_t tokens) { return std::to_string(tokens) + (tokens == 1 ? " token" : " tokens"); }

}  // namespace

Status TextCutter::set_options(const CutOptions& options) {
  options_ = options;
  // How the special tokens stand around a text is seen where any text is encoded with and without them.
  const auto bare = tokenizer_.encode("a", {.add_special = false}), whole = tokenizer_.encode("a");
  if (!bare || !whole) return bare ? whole.status() : bare.status();
  const auto found = std::search(whole->ids.begin(), whole->ids.end(), bare->ids.begin(), bare->ids.end());
  before_ = found - whole->ids.begin();
  after_ = static_cast<int64_t>(whole->ids.size()) - before_ - static_cast<int64_t>(bare->ids.size());
  if (options.overlap < 0)
    return invalid_argument("the overlap is " + std::to_string(options.overlap) + ", needed: 0 or more tokens");
  if (options.overlap > 0 && options.overflow != Overflow::chunk)
    return invalid_argument("an overlap is given, and long texts are not cut into chunks");
  return {};
}

Status TextCutter::set_prompt(std::string_view prompt) {
  auto ids = std::vector<int32_t>();
  if (!prompt.empty()) {
    auto encoding = tokenizer_.encode(prompt, {.add_special = false});
    if (!encoding) return encoding.status();
    ids = std::move(encoding->ids);
  }
  const int64_t room = options_.max_tokens - before_ - after_ - static_cast<int64_t>(ids.size());
  if (room < 1)
    return invalid_argument("the prompt has " + counted(static_cast<int64_t>(ids.size())) +
                            ", which leaves nothing of the " + std::to_string(options_.max_tokens) +
                            " that a text may have");
  if (options_.overlap >= room)
    return invalid_argument("the overlap is " + std::to_string(options_.overlap) + ", needed: fewer than the " +
                            counted(room) + " of a chunk");
  prompt_ = prompt;
  prompt_ids_ = std::move(ids);
  return {};
}

Status TextCutter::cut(std::string_view text, CutText& cut) {
  cut.ends.clear();
  cut.weights.clear();
  cut.heads.clear();
  if (!prompt_.empty()) {
    prompted_.assign(prompt_).append(text);
    text = prompted_;
  }
  const bool chunks = options_.overflow == Overflow::chunk;
  const Status status = tokenizer_.encode(text, {.max_tokens = chunks ? 0 : options_.max_tokens}, work_, encoding_);
  if (!status.ok()) return status;
  if (encoding_.ids.empty()) return failed("the text has no tokens");
  cut.tokens = encoding_.tokens;
  cut.truncated = encoding_.truncated;
  if (cut.truncated && options_.overflow == Overflow::error)
    return failed("the text has " + counted(cut.tokens) + ", needed: at most " + std::to_string(options_.max_tokens));
  if (chunks && cut.tokens > options_.max_tokens) return cut_into_chunks(cut);
  cut.ids.swap(encoding_.ids);
  cut.ends.push_back(static_cast<int64_t>(cut.ids.size()));
  cut.weights.push_back(1);
  // As sentence-transformers counts: by the tokens of the prompt alone, whatever its last one has merged into.
  cut.heads.push_back(std::min(before_ + static_cast<int64_t>(prompt_ids_.size()), cut.ends.back()));
  return {};
}

Status TextCutter::cut_into_chunks(CutText& cut) {
  const auto& ids = encoding_.ids;
  const auto content = ids.begin() + before_, end = ids.end() - after_;
  // The last token of the prompt may have merged with what follows: then that one is the text's.
  const auto own = std::mismatch(content, end, prompt_ids_.begin(), prompt_ids_.end()).first;
  const int64_t room = options_.max_tokens - before_ - after_ - (own - content);
  cut.ids.clear();
  for (auto at = own;; at += room - options_.overlap) {
    const int64_t count = std::min<int64_t>(room, end - at);
    cut.ids.insert(cut.ids.end(), ids.begin(), own);
    cut.ids.insert(cut.ids.end(), at, at + count);
    cut.ids.insert(cut.ids.end(), end, ids.end());
    cut.ends.push_back(static_cast<int64_t>(cut.ids.size()));
    cut.weights.push_back(count);
    cut.heads.push_back(before_ + (own - content));
    if (at + count == end) return {};
  }
}

void TextCutter::trim() {
  if (prompted_.capacity() > kKeptBytes) prompted_ = {};
  if (encoding_.ids.capacity() * sizeof(int32_t) > kKeptBytes) encoding_.ids = {};
}

}  // namespace lathe::run
