// A question to the chunks of an index that answer it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/index_file.h"
#include "ops/scan.h"
#include "run/embedder.h"

namespace lathe::run {

struct SearcherOptions {
  std::string index{};
  // Without a model the index's own; another must have the same files. The index says how weights are kept and how long
  // vectors are.
  EmbedderOptions embedder{};
};

struct SearchTimes {
  double embed_ms = 0, scan_ms = 0;  // of the last query; the scan with the rescoring
};

// How many the scan of a stored type of less than f32 hands to the exact vectors for each hit that is wanted.
constexpr int64_t kRescored = 4;

class Searcher {
 public:
  static Result<Searcher> open(const SearcherOptions& options);

  const IndexFile& index() const { return index_; }
  double load_ms() const { return load_ms_; }
  const SearchTimes& times() const { return times_; }
  Team& team() { return embedder_.team(); }

  Result<std::vector<float>> embed(std::string_view query);
  // The k best, best first; hits' numbers are chunks of the index.
  Result<std::vector<ops::Hit>> search(std::string_view query, int64_t k);
  std::vector<ops::Hit> search(std::span<const float> query, int64_t k);

  ops::Vectors stored() const;  // the vectors that a scan reads
  ops::Vectors exact() const;

 private:
  Searcher(IndexFile index, Embedder embedder) : index_(std::move(index)), embedder_(std::move(embedder)) {}

  IndexFile index_;
  Embedder embedder_;
  SearchTimes times_;
  double load_ms_ = 0;
};

}  // namespace lathe::run
