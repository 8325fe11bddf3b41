#include "run/evaluate.h"

#include <algorithm>
#include <functional>

#include "platform/clock.h"

namespace lathe::run {
namespace {

constexpr int64_t kK = 10;
constexpr int kRepeats = 5;  // of each query; the fastest counts, for the machine may be busy

using Search = std::function<std::vector<ops::Hit>(std::span<const float>)>;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double recall_of(const std::vector<ops::Hit>& found, const std::vector<ops::Hit>& exact) {
  const auto in_exact = [&](const ops::Hit& hit) {
    return std::any_of(exact.begin(), exact.end(), [&](const ops::Hit& e) { return e.index == hit.index; });
  };
  return static_cast<double>(std::count_if(found.begin(), found.end(), in_exact)) / static_cast<double>(exact.size());
}

ScanFigures figures(const std::string& name, const Search& search, const std::vector<std::vector<float>>& queries,
                    const std::vector<std::vector<ops::Hit>>& exact) {
  ScanFigures result = {.name = name};
  std::vector<double> times;
  for (size_t q = 0; q < queries.size(); ++q) {
    std::vector<ops::Hit> found;
    int64_t fastest = INT64_MAX;
    for (int i = 0; i < kRepeats; ++i) {
      const int64_t began = now_ns();
      found = search(queries[q]);
      fastest = std::min(fastest, now_ns() - began);
    }
    times.push_back(static_cast<double>(fastest) * 1e-6);
    const double recall = recall_of(found, exact[q]);
    result.recall += recall / static_cast<double>(queries.size());
    result.worst = std::min(result.worst, recall);
  }
  result.ms = median(times);
  return result;
}

std::vector<std::string> sample_queries(const IndexFile& index, int64_t samples) {
  std::vector<std::string> queries;
  const int64_t count = std::min(samples, index.chunks());
  for (int64_t i = 0; i < count; ++i) queries.push_back(first_sentence(index.chunk(i * index.chunks() / count).text));
  return queries;
}

}  // namespace

std::string first_sentence(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (blank && (line.empty() || line.back() == ' ')) continue;
    if (blank && std::string_view(".?!").find(line.back()) != std::string_view::npos) break;
    line += blank ? ' ' : c;
  }
  return line;
}

Result<Evaluation> evaluate(Searcher& searcher, std::vector<std::string> queries, int64_t samples) {
  const IndexFile& index = searcher.index();
  if (index.chunks() == 0) return failed("the index holds no chunks, needed: one at least");
  if (queries.empty()) queries = sample_queries(index, samples);
  std::vector<std::vector<float>> vectors;
  for (const std::string& query : queries) {
    auto vector = searcher.embed(query);
    if (!vector) return vector.status();
    vectors.push_back(std::move(*vector));
  }
  if (vectors.empty()) return invalid_argument("there are no queries, needed: one at least");

  Team& team = searcher.team();
  const ops::Vectors exact = searcher.exact(), stored = searcher.stored();
  const int64_t row = index.dim();
  std::vector<std::vector<ops::Hit>> expected;
  for (const auto& vector : vectors) expected.push_back(ops::scan(team, exact, vector, kK));

  Evaluation result = {
      .queries = static_cast<int64_t>(vectors.size()), .chunks = index.chunks(), .threads = team.size(), .rows = {}};
  const auto add = [&](const std::string& name, const ops::Vectors& read, const Search& search) {
    result.rows.push_back(figures(name, search, vectors, expected));
    result.rows.back().bytes = index.chunks() * ops::vector_bytes(read.type, row);
  };
  add("f32, exact", exact, [&](std::span<const float> q) { return ops::scan(team, exact, q, kK); });
  if (index.store() == IndexStore::f32) return result;
  const std::string name(index_store_name(index.store()));
  add(name, stored, [&](std::span<const float> q) { return ops::scan(team, stored, q, kK); });
  add(name + ", rescored", stored, [&](std::span<const float> q) { return searcher.search(q, kK); });
  return result;
}

}  // namespace lathe::run
