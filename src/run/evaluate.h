// How much of what an exact search finds the stored vectors find, and how fast.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "run/searcher.h"

namespace lathe::run {

struct ScanFigures {
  std::string name;
  double recall = 0;  // of the exact ten best, averaged over the queries
  double worst = 1;   // of one query
  double ms = 0;      // median per query, scan alone
  int64_t bytes = 0;  // that a scan reads
};

struct Evaluation {
  int64_t queries = 0, chunks = 0;
  int threads = 1;
  std::vector<ScanFigures> rows;  // exact first
};

// Without `queries`: the first sentences of `samples` chunks, spread evenly over the index.
Result<Evaluation> evaluate(Searcher& searcher, std::vector<std::string> queries, int64_t samples);

// Up to the first full stop, question or exclamation mark that a blank follows; one line of it.
std::string first_sentence(std::string_view text);

}  // namespace lathe::run
