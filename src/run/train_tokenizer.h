// A tokenizer made of texts, by the SentencePiece library. The library is opened at run time, so that no other command
// pays for loading it.
#pragma once

#include <cstdint>
#include <string>

#include "lathe/status.h"
#include "run/corpus.h"

namespace lathe::run {

struct TrainTokenizerOptions {
  CorpusOptions corpus{};
  std::string output;         // tok.model; tok.json of wordpiece
  int64_t vocabulary = 4096;  // with the 259 special tokens and bytes
  std::string type = "bpe";   // or unigram, or wordpiece
  int threads = 0;            // 0: what the machine recommends
  bool verbose = false;       // the library's own words on stderr
};

struct TrainTokenizerReport {
  int64_t vocabulary = 0, lines = 0, bytes = 0;  // of the text that was looked at
  double bytes_per_token = 0;                    // over that text
};

// As llama2.c trains its own: bytes for unknown characters, digits alone, no normalisation. WordPiece is BERT's: lower
// case, no accents, words cut at punctuation, and within them the merges of BPE. Of more than 200 MB of text every n-th
// line is looked at.
Result<TrainTokenizerReport> train_tokenizer(const TrainTokenizerOptions& options);

}  // namespace lathe::run
