#include "tokenize/tokenizer.h"

#include <fmt/format.h>

#include <atomic>
#include <numeric>

#include "tokenize/parts.h"
#include "tokenize/utf8.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

using Parts = Tokenizer::Parts;

constexpr size_t kLongestText = size_t{1} << 30;  // places in a text are 32-bit numbers

void encode_words(const Parts& parts, std::string_view text, bool at_start, WorkspaceState& work,
                  std::vector<int32_t>& out) {
  if (text.empty()) return;
  if (!parts.pre_tokenizer) return parts.model->encode(text, work, out);
  Words& words = work.words;
  words.text = text;
  words.at_start = at_start;
  words.spans.assign(1, {0, static_cast<uint32_t>(text.size())});
  parts.pre_tokenizer->cut(work);
  for (const Span span : words.spans)
    if (span.begin < span.end) parts.model->encode(words.text.substr(span.begin, span.end - span.begin), work, out);
}

// A text between added tokens.
void encode_text(const Parts& parts, std::string_view text, bool lower_case, bool at_start,
                 const EncodeOptions& options, WorkspaceState& work, std::vector<int32_t>& out) {
  if (lower_case) {
    work.lower.clear();
    Lowercase().append(text, work, work.lower);
    text = work.lower;
  }
  if (parts.bert && parts.normalized_tokens.empty()) return encode_bert(text, *parts.bert, *parts.model, work, out);
  if (parts.normalizer) {
    work.normalized.clear();
    parts.normalizer->append(text, work, work.normalized);
    text = work.normalized;
  }
  if (parts.normalized_tokens.empty()) return encode_words(parts, text, at_start, work, out);
  parts.normalized_tokens.split(text, options.allow_special, [&](AddedTokens::Part part) {
    if (part.id >= 0) return out.push_back(part.id);
    const std::string_view between = text.substr(part.begin, part.end - part.begin);
    encode_words(parts, between, at_start && part.begin == 0, work, out);
  });
}

// Cuts ids[from, end) down to `most`.
void truncate(std::vector<int32_t>& ids, size_t from, size_t most, bool left) {
  if (left)
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(from), ids.end() - static_cast<ptrdiff_t>(most));
  else
    ids.resize(from + most);
}

Status unknown_id(const Parts& parts, int32_t id) {
  return invalid_argument(
      fmt::format("id {} is not of {}, whose ids are 0 to {}", id, parts.name, parts.vocab.size() - 1));
}

uint64_t next_owner() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

}  // namespace

Workspace::Workspace() : state_(std::make_unique<WorkspaceState>()) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)), serial_(next_owner()) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer make_tokenizer(std::unique_ptr<const Parts> parts) { return Tokenizer(std::move(parts)); }

std::vector<int32_t> all_ids(const Vocab& vocab) {
  std::vector<int32_t> ids(static_cast<size_t>(vocab.size()));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

void set_added_tokens(Parts& parts, std::vector<AddedToken> tokens) {
  std::vector<AddedToken> raw, normalized;
  WorkspaceState work;
  for (AddedToken& token : tokens) {
    parts.is_special[static_cast<size_t>(token.id)] = token.special;
    if (!token.normalized) {
      raw.push_back(std::move(token));
      continue;
    }
    if (parts.normalizer) {
      std::string content;
      parts.normalizer->append(token.content, work, content);
      token.content = std::move(content);
    }
    if (!token.content.empty()) normalized.push_back(std::move(token));
  }
  parts.raw_tokens = AddedTokens(std::move(raw));
  parts.normalized_tokens = AddedTokens(std::move(normalized));
}

Status Tokenizer::encode(std::string_view text, const EncodeOptions& options, Workspace& workspace,
                         Encoding& result) const {
  const Parts& parts = *parts_;
  WorkspaceState& work = *workspace.state_;
  const auto around = options.add_special ? static_cast<size_t>(added_by_template()) : 0;
  result.ids.clear();
  result.truncated = false;
  result.tokens = 0;
  if (text.size() > kLongestText)
    return invalid_argument(
        fmt::format("a text of {} bytes cannot be tokenized, at most {} are taken", text.size(), kLongestText));
  if (options.max_tokens < 0 || (options.max_tokens > 0 && static_cast<size_t>(options.max_tokens) < around))
    return invalid_argument(fmt::format("max_tokens is {}, {} special tokens alone need {}", options.max_tokens, around,
                                        std::max<size_t>(around, 1)));
  if (work.owner != serial_) {
    work.cache.clear();
    work.owner = serial_;
  }
  if (work.remembers) work.cache.enable();
  auto& ids = result.ids;
  try {
    if (!is_valid_utf8(text)) {
      work.valid.clear();
      append_valid(text, work.valid);
      text = work.valid;
    }
    if (options.add_special) ids.insert(ids.end(), parts.before.begin(), parts.before.end());
    const size_t begin = ids.size();
    parts.raw_tokens.split(text, options.allow_special, [&](AddedTokens::Part part) {
      if (part.id >= 0) return ids.push_back(part.id);
      encode_text(parts, text.substr(part.begin, part.end - part.begin), lower_case_, part.begin == 0, options, work,
                  ids);
    });
    const size_t count = ids.size() - begin;
    result.tokens = static_cast<int64_t>(count + around);
    result.truncated = options.max_tokens > 0 && result.tokens > options.max_tokens;
    if (result.truncated) truncate(ids, begin, static_cast<size_t>(options.max_tokens) - around, parts.truncate_left);
    if (options.add_special) ids.insert(ids.end(), parts.after.begin(), parts.after.end());
  } catch (const Wrong& error) {  // a pattern that this text is too much for
    ids.clear();
    return failed(fmt::format("{}: {}", parts.name, error.what));
  }
  work.trim();
  return {};
}

Result<Encoding> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  Workspace work;
  work.state_->remembers = false;  // one text does not repay 1 MiB of cache
  Encoding result;
  const Status status = encode(text, options, work, result);
  if (!status.ok()) return status;
  return result;
}

Result<std::string> Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::vector<int32_t> kept;
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocab_size()) return unknown_id(*parts_, id);
    if (!skip_special || !is_special(id)) kept.push_back(id);
  }
  return caught(parts_->name, [&] { return parts_->decoder->decode(kept, parts_->vocab); });
}

Status Tokenizer::append_bytes(int32_t id, std::string& out) const {
  if (id < 0 || id >= vocab_size()) return unknown_id(*parts_, id);
  return caught(parts_->name, [&] { return parts_->decoder->append_bytes(id, parts_->vocab, out), true; }).status();
}

std::string_view Tokenizer::kind() const { return parts_->kind; }
int32_t Tokenizer::vocab_size() const { return parts_->vocab.size(); }
std::string_view Tokenizer::piece(int32_t id) const {
  return id < 0 || id >= vocab_size() ? std::string_view() : parts_->vocab.piece(id);
}
int32_t Tokenizer::id_of(std::string_view text) const { return parts_->by_text.find(text); }
bool Tokenizer::is_special(int32_t id) const {
  return id >= 0 && id < vocab_size() && parts_->is_special[static_cast<size_t>(id)];
}
const SpecialIds& Tokenizer::special() const { return parts_->special; }
int64_t Tokenizer::added_by_template() const {
  return static_cast<int64_t>(parts_->before.size() + parts_->after.size());
}
std::optional<int64_t> Tokenizer::max_tokens() const { return parts_->max_tokens; }

}  // namespace lathe::tokenize
