// A text in pieces that a model takes whole: whole paragraphs where they fit, whole lines where not, never across a
// Markdown heading.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::run {

struct ChunkLimits {
  int64_t tokens = 96;   // of a chunk with its headings; a line is cut up only where it alone is longer
  int64_t overlap = 16;  // tokens of whole lines that a chunk repeats from the one before it, within a section
};

struct TextChunk {
  int64_t begin = 0, end = 0;             // bytes of the text
  int64_t first_line = 0, last_line = 0;  // from 1
  std::string heading;                    // "Install > Linux": the Markdown headings above it
};

using CountTokens = std::function<int64_t(std::string_view)>;  // without the special ones

// Every byte but blank lines and Markdown headings is in at least one chunk. Cuts never split a UTF-8 sequence.
std::vector<TextChunk> chunk_text(std::string_view text, bool markdown, const ChunkLimits& limits,
                                  const CountTokens& count);

bool is_markdown(std::string_view path);  // by its name

}  // namespace lathe::run
