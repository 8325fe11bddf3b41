// lathe index: files to a searchable index of their chunks' vectors.
#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "base/shown.h"
#include "cache_path.h"
#include "commands.h"
#include "default_model.h"
#include "device_option.h"
#include "hub_path.h"
#include "progress.h"
#include "run/indexer.h"
#include "run/stored_type.h"

namespace lathe::cli {
namespace {

struct Options {
  run::IndexOptions index;
  std::string dtype = "f32", store = "f32", cache, device = "cpu";
  bool verbose = false;
};

std::atomic<bool> stopped{false};

// The first Ctrl-C ends the run in order, a second one at once.
void stop_on_interrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { stopped.store(true, std::memory_order_relaxed); };
  action.sa_flags = SA_RESETHAND;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

Result<matmul::Type> weights_type(const std::string& name) {
  if (const auto type = run::stored_type_named(name)) return *type;
  return invalid_argument("--dtype is " + shown(name) + ", needed: " + run::stored_type_names());
}

void print_paths(const char* what, const std::vector<std::string>& paths, bool all) {
  constexpr size_t kFew = 10;
  const size_t count = all ? paths.size() : std::min(paths.size(), kFew);
  for (size_t i = 0; i < count; ++i) fmt::print("  {:<8} {}\n", what, paths[i]);
  if (count < paths.size()) fmt::print("  {:<8} ... {} more; --verbose names them\n", what, paths.size() - count);
}

void print(const run::IndexReport& r, const Options& options) {
  print_paths("added", r.added, options.verbose);
  print_paths("changed", r.changed, options.verbose);
  print_paths("removed", r.removed, options.verbose);
  print_paths("skipped", r.skipped, options.verbose);
  fmt::print("files     {}: {} added, {} changed, {} kept; {} removed\n", r.files, r.added.size(), r.changed.size(),
             r.kept, r.removed.size());
  fmt::print("chunks    {}: {} embedded, {} kept\n", r.chunks, r.embedded, r.chunks - r.embedded);
  if (r.embedded > 0)
    fmt::print("embedded  {} tokens in {:.2f} s, {:.0f} tokens/s\n", r.tokens, r.embed_s,
               static_cast<double>(r.tokens) / r.embed_s);
  fmt::print("index     {}, {} x {} {}, {:.2f} MB{}\n", options.index.index, r.chunks, r.dim, index_store_name(r.store),
             static_cast<double>(r.bytes) * 1e-6, r.written ? "" : "; nothing had changed");
}

Status index(const Options& options) {
  run::IndexOptions o = options.index;
  if (Status status = or_shipped_encoder(o.embedder.model); !status.ok()) return status;
  o.embedder.hub = hub_path();
  o.embedder.cache = cache_options(options.cache);
  const auto dtype = weights_type(options.dtype);
  if (!dtype) return dtype.status();
  o.embedder.stored = *dtype;
  if (Status status = set_device(options.device, o.embedder); !status.ok()) return status;
  const auto store = parse_index_store(options.store);
  if (!store) return store.status();
  o.store = *store;
  if (o.filter.most_bytes < 1)
    return invalid_argument(fmt::format("--max-bytes is {}, needed: at least 1", o.filter.most_bytes));
  stop_on_interrupt();
  o.stop = &stopped;
  Progress upload, progress;
  o.embedder.uploaded = [&](int64_t done, int64_t total) { upload.show_bytes(done, total, "to the device"); };
  o.progress = [&](int64_t done, int64_t total, int64_t tokens) {
    progress.show(done, total, fmt::format("chunks, {} tokens", tokens));
  };
  const auto report = run::build_index(o);
  progress.clear();
  if (!report) return report.status();
  print(*report, options);
  return {};
}

}  // namespace

void add_index(CLI::App& lathe, Command& chosen) {
  CLI::App* command =
      lathe.add_subcommand("index", "Make files searchable by meaning; again, only what changed is embedded");
  auto options = std::make_shared<Options>();
  run::IndexOptions& o = options->index;
  command->add_option("PATH", o.paths, "Folders, searched to any depth, and files")->required();
  command->add_option("-o,--output", o.index, "The index: written whole or not at all")->required();
  command->add_option("-m,--model", o.embedder.model,
                      "A folder, a file, or a name in the Hugging Face cache; else the model that comes with lathe");
  command->add_option("--store", options->store, "How vectors are scanned: f32, bf16 or int8; hits are rescored in f32")
      ->capture_default_str();
  command
      ->add_option(
          "--dtype", options->dtype,
          "How weights are kept: f32, bf16, f16, q8_0, q4_0, q8_a7 (fastest without AMX), bf16_b16 or bf16_d16")
      ->capture_default_str();
  command->add_option("--dim", o.embedder.dim, "Keep the first so many elements of a vector; 0: all");
  command->add_option("--chunk-tokens", o.chunks.tokens, "Tokens of a chunk at most")->capture_default_str();
  command->add_option("--overlap", o.chunks.overlap, "Tokens that a chunk repeats from the one before")
      ->capture_default_str();
  command->add_option("--include", o.filter.include, "Only files whose name or path matches, as '*.md'")
      ->allow_extra_args(false);
  command->add_option("--exclude", o.filter.exclude, "No files or folders whose name or path matches")
      ->allow_extra_args(false);
  command->add_option("--max-bytes", o.filter.most_bytes, "Skip files above this size")->capture_default_str();
  add_cache_option(*command, options->cache);
  add_device_option(*command, options->device);
  command->add_option("-t,--threads", o.embedder.threads, "Threads; 0: what the machine recommends");
  command->add_flag("--rebuild", o.rebuild, "Embed everything, whatever the index was made with");
  command->add_flag("-v,--verbose", options->verbose, "Name every file that was added, changed, removed or skipped");
  command->callback([options, &chosen] { chosen = [options] { return index(*options); }; });
}

}  // namespace lathe::cli
