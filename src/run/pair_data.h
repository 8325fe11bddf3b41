// Pairs of texts that belong together, as token ids: JSON lines or two columns with a tab between them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lathe/status.h"
#include "models/train_encoder.h"
#include "tokenize/tokenizer.h"

namespace lathe::run {

struct PairFields {  // of JSON lines
  std::string anchor = "anchor", positive = "positive", negative = "negative";
};

class PairData {
 public:
  // Files in .jsonl and .ndjson are JSON lines, all others have columns: anchor, positive and, in every line or none,
  // a negative. Texts longer than `max_tokens` are cut. An error names the line that holds no pair.
  static Result<PairData> load(const std::string& path, const PairFields& fields, tokenize::Tokenizer tokenizer,
                               int64_t max_tokens);

  int64_t pairs() const { return static_cast<int64_t>(texts_.size()) / sides_; }
  bool negatives() const { return sides_ == 3; }
  int64_t texts() const { return static_cast<int64_t>(offsets_.size()) - 1; }  // that differ
  int64_t cut() const { return cut_; }                                         // texts that were too long
  int64_t tokens() const { return offsets_.back(); }                           // of the texts that differ
  int64_t longest() const { return longest_; }                                 // text, in tokens
  // Tokens that a batch of so many pairs has at most.
  int64_t most_tokens(int64_t pairs) const;
  const std::string& sha256() const { return sha256_; }

  // Ids, offsets and identities of these pairs, as models::ContrastBatch has them.
  struct Batch {
    std::vector<int32_t> ids, identity;
    std::vector<int64_t> offsets;
  };
  void fill(std::span<const int64_t> pairs, Batch& batch) const;

 private:
  class Reader;

  int64_t sides_ = 0;           // 2 or 3; 0: no line was read
  std::vector<int32_t> texts_;  // of pair after pair: its texts' numbers
  std::vector<int32_t> ids_;    // of text after text
  std::vector<int64_t> offsets_{0};
  int64_t cut_ = 0, longest_ = 0;
  std::string sha256_;
};

}  // namespace lathe::run
