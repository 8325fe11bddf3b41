#include "run/searcher.h"

#include <algorithm>

#include "base/shown.h"
#include "platform/clock.h"
#include "run/model_fingerprint.h"
#include "run/stored_type.h"

namespace lathe::run {
namespace {

double ms_since(int64_t began_ns) { return static_cast<double>(now_ns() - began_ns) * 1e-6; }

Result<matmul::Type> stored_type(const std::string& index, const std::string& dtype) {
  if (const auto type = stored_type_named(dtype)) return *type;
  return corrupt(index + ": meta.dtype is " + shown(dtype) + ", needed: " + stored_type_names());
}

}  // namespace

Result<Searcher> Searcher::open(const SearcherOptions& options) {
  const int64_t began = now_ns();
  auto index = IndexFile::open(options.index);
  if (!index) return index.status();
  const IndexMeta& meta = index->meta();
  const auto dtype = stored_type(options.index, meta.dtype);
  if (!dtype) return dtype.status();
  EmbedderOptions e = options.embedder;
  if (e.model.empty()) e.model = meta.model;
  e.stored = *dtype;
  e.dim = meta.keep;
  const auto fingerprint = model_fingerprint(e.model, e.hub);
  if (!fingerprint)
    return Status(fingerprint.status().code(), fingerprint.status().message() + " (the model of " + options.index +
                                                   "; --model says where it lies now)");
  if (*fingerprint != meta.fingerprint)
    return failed(options.index + ": was made with another model: " + shown(meta.model) + " had files of sum " +
                  meta.fingerprint.substr(0, 12) + ", those of " + shown(e.model) + " have " +
                  fingerprint->substr(0, 12));
  auto embedder = Embedder::open(e);
  if (!embedder) return embedder.status();
  if (embedder->dim() != index->dim())
    return failed(options.index + ": has vectors of " + std::to_string(index->dim()) + " elements, the model gives " +
                  std::to_string(embedder->dim()));
  if (Status status = embedder->prefer_task("query"); !status.ok()) return status;
  Searcher searcher(std::move(*index), std::move(*embedder));
  searcher.load_ms_ = ms_since(began);
  return searcher;
}

ops::Vectors Searcher::stored() const {
  return {.type = static_cast<ops::VectorType>(index_.store()),
          .count = index_.chunks(),
          .dim = index_.dim(),
          .data = index_.vectors(),
          .scale = index_.store() == IndexStore::int8 ? index_.scales() : nullptr};
}

ops::Vectors Searcher::exact() const { return {.count = index_.chunks(), .dim = index_.dim(), .data = index_.exact()}; }

Result<std::vector<float>> Searcher::embed(std::string_view query) {
  std::vector<float> vector;
  const int64_t began = now_ns();
  const Status status = embedder_.embed(std::span(&query, 1), [&](const Embedding& e) {
    vector.assign(e.vector.begin(), e.vector.end());
    return e.status;
  });
  times_.embed_ms = ms_since(began);
  if (!status.ok()) return status;
  return vector;
}

std::vector<ops::Hit> Searcher::search(std::span<const float> query, int64_t k) {
  const int64_t began = now_ns();
  k = std::clamp<int64_t>(k, 0, index_.chunks());
  const bool rescored = index_.store() != IndexStore::f32;
  std::vector<ops::Hit> hits = ops::scan(team(), stored(), query, rescored ? kRescored * k : k);
  if (rescored) hits = ops::rescore(index_.exact(), index_.dim(), query, hits, k);
  times_.scan_ms = ms_since(began);
  return hits;
}

Result<std::vector<ops::Hit>> Searcher::search(std::string_view query, int64_t k) {
  const auto vector = embed(query);
  if (!vector) return vector.status();
  return search(*vector, k);
}

}  // namespace lathe::run
