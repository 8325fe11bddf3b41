#include "hit_text.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

namespace lathe::cli {
namespace {

constexpr size_t kIndent = 4;

size_t characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// Letters and digits in lower case, what is beyond ASCII as it is; without a plural's s.
std::string stem(std::string_view word) {
  std::string key;
  for (const char c : word)
    if (static_cast<unsigned char>(c) >= 0x80 || std::isalnum(static_cast<unsigned char>(c)))
      key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (key.size() > 3 && key.back() == 's') key.pop_back();
  return key;
}

std::set<std::string> query_words(std::string_view query) {
  std::set<std::string> stems;
  for (const std::string_view word : words_of(query))
    if (std::string key = stem(word); key.size() > 3) stems.insert(std::move(key));
  return stems;
}

// Words wrapped into lines of at most so many characters.
std::vector<std::vector<std::string_view>> wrap(const std::vector<std::string_view>& words, size_t columns) {
  std::vector<std::vector<std::string_view>> lines;
  size_t used = 0;
  for (const std::string_view word : words) {
    const size_t length = characters(word);
    if (lines.empty() || used + 1 + length > columns) {
      lines.emplace_back();
      used = length;
    } else {
      used += 1 + length;
    }
    lines.back().push_back(word);
  }
  return lines;
}

// The first of `count` lines that hold the most different words of the query.
size_t best_window(const std::vector<std::vector<std::string_view>>& lines, size_t count,
                   const std::set<std::string>& stems) {
  size_t best = 0, most = 0;
  for (size_t first = 0; first + count <= lines.size(); ++first) {
    std::set<std::string> found;
    for (size_t i = first; i < first + count; ++i)
      for (const std::string_view word : lines[i])
        if (std::string key = stem(word); stems.contains(key)) found.insert(std::move(key));
    if (found.size() > most) most = found.size(), best = first;
  }
  return best;
}

}  // namespace

HitStyle style_of_stdout() {
  HitStyle style;
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 1) return style;
  style.colour = true;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    style.columns = std::clamp<size_t>(size.ws_col, 40, 120);
  return style;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f) {
      if (!line.empty() && line.back() != ' ') line += ' ';
    } else {
      line += c;
    }
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

std::string hit_text(int64_t rank, float score, const IndexedFile& file, const IndexedChunk& chunk,
                     std::string_view query, const HitStyle& style) {
  const auto in = [&](const char* code, const std::string& text) {
    return style.colour && !text.empty() ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
  };
  const std::string lines_text = chunk.first_line == chunk.last_line
                                     ? std::to_string(chunk.first_line)
                                     : fmt::format("{}-{}", chunk.first_line, chunk.last_line);
  const std::string heading = one_line(chunk.heading);
  std::string out =
      fmt::format("{:>2}  {}  {}{}\n", rank, in("1;32", fmt::format("{:.4f}", score)),
                  in("1;36", one_line(file.path) + ":" + lines_text), heading.empty() ? "" : "  " + in("2", heading));
  const std::string body = one_line(chunk.text);
  const auto lines = wrap(words_of(body), style.columns - kIndent - 4);
  const size_t count = style.lines == 0 ? lines.size() : std::min(style.lines, lines.size());
  const std::set<std::string> stems = query_words(query);
  const size_t first = best_window(lines, count, stems);
  for (size_t i = first; i < first + count; ++i) {
    out.append(kIndent, ' ');
    if (i == first && first > 0) out += "... ";
    for (size_t w = 0; w < lines[i].size(); ++w) {
      const std::string word(lines[i][w]);
      out += (w > 0 ? " " : "") + (stems.contains(stem(word)) ? in("1;33", word) : word);
    }
    out += i + 1 == first + count && i + 1 < lines.size() ? " ...\n" : "\n";
  }
  return out;
}

}  // namespace lathe::cli
