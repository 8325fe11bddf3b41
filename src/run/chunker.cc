#include "run/chunker.h"

#include <algorithm>
#include <array>
#include <span>

namespace lathe::run {
namespace {

constexpr int64_t kMostHeading = 200;  // bytes of one heading kept as context
constexpr size_t kLongLine = 8192;     // a longer one is cut at blanks before its tokens are counted

// A line, or a part of one that is too long. What chunks are made of.
struct Unit {
  int64_t begin, end, line, tokens;
  bool opens_paragraph;
  int64_t section;
};

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\f\v") == std::string_view::npos; }

// 1 to 6 for "# Title", else 0.
int heading_level(std::string_view line) {
  const size_t level = line.find_first_not_of('#');
  if (level == 0 || level == std::string_view::npos || level > 6) return 0;
  return line[level] == ' ' || line[level] == '\t' ? static_cast<int>(level) : 0;
}

std::string_view heading_text(std::string_view line) {
  line.remove_prefix(line.find_first_not_of('#'));
  const size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  line = line.substr(first, line.find_last_not_of(" \t\r#") - first + 1);
  size_t keep = std::min<size_t>(line.size(), kMostHeading);
  while (keep < line.size() && keep > 0 && (static_cast<unsigned char>(line[keep]) & 0xc0) == 0x80) --keep;
  return line.substr(0, keep);
}

bool is_fence(std::string_view line) {
  const size_t first = line.find_first_not_of(' ');
  return first != std::string_view::npos && first <= 3 &&
         (line.substr(first).starts_with("```") || line.substr(first).starts_with("~~~"));
}

// Where to cut `text` in two: behind the end of a sentence near the middle, else behind a blank, else between
// characters. 0 or its size where it cannot be cut.
size_t middle_cut(std::string_view text) {
  const size_t middle = text.size() / 2, reach = text.size() / 4;
  for (const bool sentence : {true, false})
    for (size_t d = 0; d <= reach; ++d)
      for (const size_t at : {middle - d, middle + d}) {
        if (at < 2 || at >= text.size() || text[at - 1] != ' ') continue;
        if (!sentence || std::string_view(".!?;").find(text[at - 2]) != std::string_view::npos) return at;
      }
  size_t at = middle;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  return at;
}

class Cutter {
 public:
  Cutter(std::string_view text, int64_t tokens, const CountTokens& count)
      : text_(text), tokens_(tokens), count_(count) {}

  // The line [begin, end), in parts of at most so many tokens.
  void add_line(int64_t begin, int64_t end, Unit like) {
    while (static_cast<size_t>(end - begin) > kLongLine) {
      const std::string_view head = text_.substr(static_cast<size_t>(begin), kLongLine);
      const size_t blank = head.find_last_of(" \t");
      size_t cut = blank == std::string_view::npos || blank < kLongLine / 2 ? kLongLine : blank + 1;
      for (int back = 0;
           back < 3 && (static_cast<unsigned char>(text_[static_cast<size_t>(begin) + cut]) & 0xc0) == 0x80; ++back)
        --cut;
      add_part(begin, begin + static_cast<int64_t>(cut), like);
      begin += static_cast<int64_t>(cut);
    }
    add_part(begin, end, like);
  }
  std::vector<Unit> take() { return std::move(units_); }

 private:
  void add_part(int64_t begin, int64_t end, Unit& like) {
    const std::string_view part = text_.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    if (is_blank(part)) return;
    const int64_t tokens = count_(part);
    const size_t cut = tokens > tokens_ ? middle_cut(part) : 0;
    if (cut > 0 && cut < part.size()) {
      add_part(begin, begin + static_cast<int64_t>(cut), like);
      add_part(begin + static_cast<int64_t>(cut), end, like);
      return;
    }
    like.begin = begin, like.end = end, like.tokens = tokens;
    units_.push_back(like);
    like.opens_paragraph = false;
  }

  std::string_view text_;
  int64_t tokens_;
  const CountTokens& count_;
  std::vector<Unit> units_;
};

struct Units {
  std::vector<Unit> units;
  std::vector<std::string> headings{""};  // by section
};

std::string join(std::span<const std::string> headings) {
  std::string path;
  for (const std::string& heading : headings)
    if (!heading.empty()) path += (path.empty() ? "" : " > ") + heading;
  return path;
}

Units cut_units(std::string_view text, bool markdown, int64_t tokens, const CountTokens& count) {
  Units result;
  Cutter cutter(text, tokens, count);
  std::array<std::string, 6> stack;
  bool fenced = false, opens = true;
  int64_t line_number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t newline = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, newline - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++line_number;
    if (markdown && is_fence(line)) fenced = !fenced;
    const int level = markdown && !fenced ? heading_level(line) : 0;
    if (level > 0) {
      stack[static_cast<size_t>(level) - 1] = heading_text(line);
      for (size_t deeper = static_cast<size_t>(level); deeper < stack.size(); ++deeper) stack[deeper].clear();
      result.headings.push_back(join(stack));
      opens = true;
    } else if (is_blank(line)) {
      opens = true;
    } else {
      const auto begin = static_cast<int64_t>(at);
      cutter.add_line(begin, begin + static_cast<int64_t>(line.size()),
                      {.begin = begin,
                       .end = begin,
                       .line = line_number,
                       .tokens = 0,
                       .opens_paragraph = opens,
                       .section = static_cast<int64_t>(result.headings.size()) - 1});
      opens = false;
    }
    at = newline + 1;
  }
  result.units = cutter.take();
  return result;
}

// One past the last unit of the chunk that begins at `first`: all that fit, less what belongs to a paragraph that does
// not, if at least half of the room is used then.
size_t chunk_end(const std::vector<Unit>& units, size_t first, int64_t room) {
  int64_t tokens = units[first].tokens;
  size_t end = first + 1, paragraph = first;
  int64_t before_paragraph = 0;
  for (; end < units.size() && units[end].section == units[first].section; ++end) {
    if (units[end].opens_paragraph) paragraph = end, before_paragraph = tokens;
    if (tokens + units[end].tokens > room) return before_paragraph * 2 >= room ? paragraph : end;
    tokens += units[end].tokens;
  }
  return end;
}

size_t with_overlap(const std::vector<Unit>& units, size_t first, size_t next, int64_t overlap) {
  if (next >= units.size() || units[next].section != units[first].section) return next;
  int64_t tokens = 0;
  while (next > first + 1 && tokens + units[next - 1].tokens <= overlap) tokens += units[--next].tokens;
  return next;
}

}  // namespace

std::vector<TextChunk> chunk_text(std::string_view text, bool markdown, const ChunkLimits& limits,
                                  const CountTokens& count) {
  const Units cut = cut_units(text, markdown, limits.tokens, count);
  if (cut.units.empty() && markdown) return chunk_text(text, false, limits, count);  // headings alone are a text too
  std::vector<TextChunk> chunks;
  int64_t section = -1, room = 0;
  for (size_t first = 0; first < cut.units.size();) {
    const std::string& heading = cut.headings[static_cast<size_t>(cut.units[first].section)];
    if (cut.units[first].section != section) {
      section = cut.units[first].section;
      room = std::max(limits.tokens - (heading.empty() ? 0 : count(heading)), limits.tokens / 2);
    }
    const size_t end = chunk_end(cut.units, first, room);
    chunks.push_back({.begin = cut.units[first].begin,
                      .end = cut.units[end - 1].end,
                      .first_line = cut.units[first].line,
                      .last_line = cut.units[end - 1].line,
                      .heading = heading});
    first = with_overlap(cut.units, first, end, limits.overlap);
  }
  return chunks;
}

bool is_markdown(std::string_view path) {
  return path.ends_with(".md") || path.ends_with(".markdown") || path.ends_with(".MD");
}

}  // namespace lathe::run
