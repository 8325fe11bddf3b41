#include "tokenize/normalizer.h"

#include "tokenize/byte_alphabet.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

template <class Visit>
void for_each_code_point(std::string_view text, Visit&& visit) {
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = first_code_point(text.substr(at));
    visit(c.value, text.substr(at, c.length));
    at += c.length;
  }
}

bool in(uint32_t c, uint32_t low, uint32_t high) { return c >= low && c <= high; }

bool nmt_drops(uint32_t c) {
  return in(c, 1, 8) || c == 0xB || in(c, 0xE, 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
}
bool nmt_makes_space(uint32_t c) {
  return c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 || in(c, 0x200B, 0x200F) || c == 0x2028 ||
         c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

}  // namespace

void NormalizerSequence::append(std::string_view text, WorkspaceState& work, std::string& out) const {
  if (steps_.empty()) {
    out += text;
    return;
  }
  // Two buffers in turn; the caller's `out` takes only the last step, since it may hold something already.
  std::string current = std::move(work.spare), next;
  std::string_view input = text;
  for (size_t i = 0; i + 1 < steps_.size(); ++i) {
    next.clear();
    steps_[i]->append(input, work, next);
    std::swap(current, next);
    input = current;
  }
  steps_.back()->append(input, work, out);
  work.spare = std::move(current);
}

void UnicodeForm::append(std::string_view text, WorkspaceState& work, std::string& out) const {
  append_normalized(text, form_, work.code_points, out);
}

void Lowercase::append(std::string_view text, WorkspaceState&, std::string& out) const {
  for_each_code_point(text, [&out](uint32_t c, std::string_view) {
    if (c < 0x80)
      out += static_cast<char>(in(c, 'A', 'Z') ? c | 0x20 : c);
    else
      append_lower(c, out);
  });
}

void StripAccents::append(std::string_view text, WorkspaceState&, std::string& out) const {
  for_each_code_point(text, [&out](uint32_t c, std::string_view bytes) {
    if (c < 0x300 || !is_mark(c)) out += bytes;
  });
}

void Nmt::append(std::string_view text, WorkspaceState&, std::string& out) const {
  for_each_code_point(text, [&out](uint32_t c, std::string_view bytes) {
    if (nmt_makes_space(c))
      out += ' ';
    else if (!nmt_drops(c))
      out += bytes;
  });
}

void StripSpace::append(std::string_view text, WorkspaceState&, std::string& out) const {
  while (left_ && !text.empty() && is_whitespace(first_code_point(text).value))
    text.remove_prefix(first_code_point(text).length);
  while (right_ && !text.empty()) {
    const size_t last = last_code_point(text);
    if (!is_whitespace(first_code_point(text.substr(last)).value)) break;
    text = text.substr(0, last);
  }
  out += text;
}

void ReplaceText::append(std::string_view text, WorkspaceState&, std::string& out) const {
  for (size_t at = 0;;) {
    const size_t found = from_.empty() ? text.npos : text.find(from_, at);
    out += text.substr(at, found == text.npos ? text.npos : found - at);
    if (found == text.npos) return;
    out += to_;
    at = found + from_.size();
  }
}

void ReplaceRegex::append(std::string_view text, WorkspaceState& work, std::string& out) const {
  size_t copied = 0;
  for (size_t at = 0; at <= text.size();) {
    const auto match = from_.find(text, at, work.match);
    if (!match.found) break;
    out += text.substr(copied, match.begin - copied);
    out += to_;
    copied = match.end;
    at = match.end;
    if (match.begin == match.end) at += at < text.size() ? sequence_length(text[at]) : 1;  // an empty match
  }
  out += text.substr(copied);
}

void Prepend::append(std::string_view text, WorkspaceState&, std::string& out) const {
  if (!text.empty()) (out += what_) += text;
}

void PrecompiledMap::append(std::string_view text, WorkspaceState&, std::string& out) const {
  constexpr size_t kLongCluster = 6;
  for (size_t at = 0; at < text.size();) {
    const bool alone = is_ascii(text[at]) && text[at] != '\r' && (at + 1 == text.size() || is_ascii(text[at + 1]));
    if (alone && map_.leaves_alone(text[at])) {
      out += text[at++];
      continue;
    }
    const std::string_view cluster = text.substr(at, alone ? 1 : grapheme_length(text.substr(at)));
    at += cluster.size();
    const auto whole = cluster.size() < kLongCluster ? map_.shortest(cluster) : Charsmap::Match{};
    if (whole.length > 0) {
      out += whole.replacement;
      continue;
    }
    for_each_code_point(cluster, [&](uint32_t, std::string_view bytes) {
      const auto one = map_.shortest(bytes);
      out += one.length > 0 ? one.replacement : bytes;
    });
  }
}

void ByteLevelNormalizer::append(std::string_view text, WorkspaceState&, std::string& out) const {
  for (const char c : text) out += byte_alphabet()[static_cast<unsigned char>(c)];
}

}  // namespace lathe::tokenize
