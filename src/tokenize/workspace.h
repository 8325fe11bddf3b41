// One thread's memory for encoding: buffers that keep their capacity between texts, and the cache of words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/merge.h"
#include "tokenize/regex.h"
#include "tokenize/word_cache.h"

namespace lathe::tokenize {

struct Span {
  uint32_t begin, end;
};

// The best segmentation of a text up to one of its bytes.
struct ViterbiNode {
  double score;
  uint32_t length;  // of the last piece, in bytes; 0: no path ends here
  int32_t id;
};

// A text cut into words. The steps of a pre-tokenizer cut further, or rewrite the words into `spare`.
struct Words {
  std::string_view text;
  std::vector<Span> spans, next;
  std::string rewritten, spare;
  bool at_start = false;  // a word that begins at byte 0 begins the whole input
};

struct WorkspaceState {
  bool remembers = true;
  uint64_t owner = 0;  // the tokenizer whose words the cache holds
  WordCache cache;
  std::string valid;                    // the input, where it had to be mended
  std::string lower;                    // the input in lower case, where that was asked for
  std::string normalized, spare, word;  // what a normalizer makes, and makes it from
  std::vector<int32_t> code_points;
  Words words;
  MatchMemory match;
  std::vector<Symbol> symbols;
  std::vector<Candidate> candidates;
  std::vector<ViterbiNode> nodes;
  std::vector<int32_t> reversed;

  // Gives back what a long text needed.
  void trim();
};

}  // namespace lathe::tokenize
