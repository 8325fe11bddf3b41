#include "run/indexer.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/shown.h"
#include "formats/index_writer.h"
#include "platform/clock.h"
#include "run/index_lock.h"
#include "run/index_plan.h"
#include "run/model_fingerprint.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

double seconds_since(int64_t began_ns) { return static_cast<double>(now_ns() - began_ns) * 1e-9; }

// A path stays right when the index is used from another folder.
std::string lasting_name(const std::string& model) {
  std::error_code error;
  return fs::exists(model, error) ? fs::absolute(model).lexically_normal().string() : model;
}

Result<IndexMeta> describe(const IndexOptions& options) {
  auto fingerprint = model_fingerprint(options.embedder.model, options.embedder.hub);
  if (!fingerprint) return fingerprint.status();
  IndexMeta meta = {.model = lasting_name(options.embedder.model),
                    .fingerprint = std::move(*fingerprint),
                    .dtype = std::string(matmul::type_name(options.embedder.stored.value_or(matmul::Type::f32))),
                    .keep = options.embedder.dim,
                    .chunk_tokens = options.chunks.tokens,
                    .overlap = options.chunks.overlap,
                    .roots = ""};
  for (const std::string& path : options.paths) meta.roots += (meta.roots.empty() ? "" : " ") + path;
  return meta;
}

Status check_options(const IndexOptions& options) {
  if (options.paths.empty()) return invalid_argument("no path is given, needed: a folder or a file at least");
  if (options.chunks.tokens < 8 || options.chunks.tokens > 1 << 20)
    return invalid_argument("the tokens of a chunk are " + std::to_string(options.chunks.tokens) +
                            ", needed: 8 to 1048576");
  if (options.chunks.overlap < 0 || options.chunks.overlap > options.chunks.tokens / 2)
    return invalid_argument("the overlap is " + std::to_string(options.chunks.overlap) + " tokens, needed: 0 to " +
                            std::to_string(options.chunks.tokens / 2) + ", half a chunk");
  return {};
}

// Whether vectors of `old` may stand beside new ones.
Status check_same(const std::string& path, const IndexFile& old, const IndexMeta& meta, IndexStore store) {
  const IndexMeta& was = old.meta();
  const auto differs = [&](const std::string& what, const std::string& found, const std::string& asked) {
    return failed(path + ": was made with " + what + " " + found + ", now it is " + asked +
                  "; --rebuild makes it anew");
  };
  if (was.fingerprint != meta.fingerprint)
    return differs("the model", shown(was.model) + " (" + was.fingerprint.substr(0, 12) + ")",
                   shown(meta.model) + " (" + meta.fingerprint.substr(0, 12) + ")");
  if (was.dtype != meta.dtype) return differs("weights of type", was.dtype, meta.dtype);
  if (old.store() != store)
    return differs("--store", std::string(index_store_name(old.store())), std::string(index_store_name(store)));
  const auto number = [](int64_t n) { return std::to_string(n); };
  if (was.keep != meta.keep) return differs("--dim", number(was.keep), number(meta.keep));
  if (was.chunk_tokens != meta.chunk_tokens)
    return differs("--chunk-tokens", number(was.chunk_tokens), number(meta.chunk_tokens));
  if (was.overlap != meta.overlap) return differs("--overlap", number(was.overlap), number(meta.overlap));
  return {};
}

// The index that is there, where there is one to go on from.
Result<std::optional<IndexFile>> open_old(const IndexOptions& options, const IndexMeta& meta) {
  std::error_code error;
  if (!fs::exists(options.index, error)) return std::optional<IndexFile>();
  if (!looks_like_index(options.index))
    return invalid_argument(options.index + ": is there and is no index; it is not replaced");
  if (options.rebuild) return std::optional<IndexFile>();
  auto old = IndexFile::open(options.index);
  if (!old) return old.status();
  if (Status status = check_same(options.index, *old, meta, options.store); !status.ok()) return status;
  return std::optional(std::move(*old));
}

// Cuts the new files into chunks and embeds them.
class NewChunks {
 public:
  NewChunks(const IndexOptions& options, IndexPlan& plan) : options_(options), plan_(plan) {}

  Status run() {
    int64_t began = now_ns();
    auto embedder = Embedder::open(options_.embedder);
    if (!embedder) return embedder.status();
    if (Status status = embedder->prefer_task("document"); !status.ok()) return status;
    dim_ = embedder->dim();
    plan_.report.load_s = seconds_since(began);
    began = now_ns();
    if (Status status = cut(*embedder); !status.ok()) return status;
    Status status = embed(*embedder);
    plan_.report.embed_s = seconds_since(began);
    return status;
  }

  int64_t dim() const { return dim_; }
  // Of the chunks of new files, in order; empty where one could not be embedded.
  std::span<const float> next() {
    const size_t at = taken_++;
    return has_vector_[at] ? std::span(vectors_).subspan(at * static_cast<size_t>(dim_), static_cast<size_t>(dim_))
                           : std::span<const float>();
  }

 private:
  Status cut(const Embedder& embedder) {
    ChunkLimits limits = options_.chunks;
    limits.tokens = std::min(limits.tokens, embedder.max_tokens() - embedder.tokenizer().added_by_template());
    if (limits.tokens < 1) return failed("the model takes no tokens beside the special ones");
    limits.overlap = std::min(limits.overlap, limits.tokens / 2);
    tokenize::Workspace work;
    tokenize::Encoding encoding;
    Status failure;
    const CountTokens count = [&](std::string_view text) {
      const Status status = embedder.tokenizer().encode(text, {.add_special = false}, work, encoding);
      if (!status.ok()) failure = status;
      return status.ok() ? encoding.tokens : 0;
    };
    for (PlannedFile& file : plan_.files) {
      if (file.old_file >= 0) continue;
      file.chunks = chunk_text(file.content, is_markdown(file.found.path), limits, count);
      if (!failure.ok()) return failure;
      for (const TextChunk& chunk : file.chunks) {
        std::string text = chunk.heading.empty() ? "" : chunk.heading + "\n";
        text.append(file.content, static_cast<size_t>(chunk.begin), static_cast<size_t>(chunk.end - chunk.begin));
        texts_.push_back(std::move(text));
        where_.push_back(file.found.path + ":" + std::to_string(chunk.first_line));
      }
    }
    return {};
  }
  Status embed(Embedder& embedder) {
    vectors_.resize(texts_.size() * static_cast<size_t>(dim_));
    has_vector_.resize(texts_.size());
    const std::vector<std::string_view> views(texts_.begin(), texts_.end());
    IndexReport& report = plan_.report;
    const auto total = static_cast<int64_t>(views.size());
    return embedder.embed(views, [&](const Embedding& e) {
      if (options_.stop && options_.stop->load(std::memory_order_relaxed))
        return failed("interrupted; " + options_.index + " is as it was");
      const auto at = static_cast<size_t>(e.index);
      if (e.status.ok()) {
        std::copy(e.vector.begin(), e.vector.end(), vectors_.begin() + static_cast<ptrdiff_t>(at * e.vector.size()));
        has_vector_[at] = true;
        ++report.embedded;
        report.tokens += e.tokens;
      } else {
        report.skipped.push_back(where_[at] + ": " + e.status.message());
      }
      if (options_.progress) options_.progress(e.index + 1, total, report.tokens);
      return Status();
    });
  }

  const IndexOptions& options_;
  IndexPlan& plan_;
  int64_t dim_ = 0;
  std::vector<std::string> texts_, where_;
  std::vector<float> vectors_;
  std::vector<bool> has_vector_;
  size_t taken_ = 0;
};

void add_kept(const IndexFile& old, const PlannedFile& file, IndexWriter& writer) {
  const IndexedFile was = old.file(file.old_file);
  for (int64_t i = was.first_chunk; i < was.first_chunk + was.chunks; ++i)
    writer.add_chunk(old.chunk(i), {old.exact() + i * old.dim(), static_cast<size_t>(old.dim())});
}

void add_new(const PlannedFile& file, NewChunks& fresh, IndexWriter& writer) {
  for (const TextChunk& c : file.chunks) {
    const std::span<const float> vector = fresh.next();
    if (vector.empty()) continue;
    const auto text =
        std::string_view(file.content).substr(static_cast<size_t>(c.begin), static_cast<size_t>(c.end - c.begin));
    writer.add_chunk({.heading = c.heading,
                      .text = text,
                      .begin = c.begin,
                      .end = c.end,
                      .first_line = c.first_line,
                      .last_line = c.last_line},
                     vector);
  }
}

}  // namespace

Result<IndexReport> build_index(const IndexOptions& options) {
  if (Status status = check_options(options); !status.ok()) return status;
  const auto meta = describe(options);
  if (!meta) return meta.status();
  const auto lock = IndexLock::take(options.index);
  if (!lock) return lock.status();
  const auto old = open_old(options, *meta);
  if (!old) return old.status();
  const IndexFile* was = *old ? &**old : nullptr;
  auto plan = plan_index(options, was);
  if (!plan) return plan.status();
  IndexReport& report = plan->report;
  report.store = options.store;

  NewChunks fresh(options, *plan);
  const bool needs_model =
      std::any_of(plan->files.begin(), plan->files.end(), [](const PlannedFile& file) { return file.old_file < 0; });
  if (needs_model || !was)
    if (Status status = fresh.run(); !status.ok()) return status;
  report.dim = was ? was->dim() : fresh.dim();
  if (needs_model && was && fresh.dim() != was->dim())
    return failed(options.index + ": has vectors of " + std::to_string(was->dim()) + " elements, the model gives " +
                  std::to_string(fresh.dim()) + "; --rebuild makes it anew");
  if (plan->same) {
    report.chunks = was->chunks();
    report.bytes = was->bytes();
    return report;
  }
  const int64_t began = now_ns();
  IndexWriter writer(*meta, options.store, report.dim);
  for (const PlannedFile& file : plan->files) {
    writer.add_file(file.found.path, file.sha256, file.found.bytes, file.found.mtime_ns);
    if (file.old_file >= 0)
      add_kept(*was, file, writer);
    else
      add_new(file, fresh, writer);
  }
  if (options.stop && options.stop->load(std::memory_order_relaxed))
    return failed("interrupted; " + options.index + " is as it was");
  if (Status status = writer.write(options.index); !status.ok()) return status;
  report.write_s = seconds_since(began);
  report.chunks = writer.chunks();
  report.written = true;
  std::error_code error;
  report.bytes = static_cast<int64_t>(fs::file_size(options.index, error));
  return report;
}

}  // namespace lathe::run
