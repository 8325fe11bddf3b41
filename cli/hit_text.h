// A hit of a search for people: in colours and to the width of a terminal, plain where it goes elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/index_file.h"

namespace lathe::cli {

struct HitStyle {
  bool colour = false;
  size_t columns = 100;
  size_t lines = 3;  // of the snippet; 0: all of the chunk
};

HitStyle style_of_stdout();

// The part of the chunk where most of the query's words are, its words marked.
std::string hit_text(int64_t rank, float score, const IndexedFile& file, const IndexedChunk& chunk,
                     std::string_view query, const HitStyle& style);

// One line, valid for a terminal: blanks together, control characters out.
std::string one_line(std::string_view text);

}  // namespace lathe::cli
