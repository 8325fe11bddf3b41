// lathe search: what an index holds that is nearest to a question.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/shown.h"
#include "cache_path.h"
#include "commands.h"
#include "default_model.h"
#include "device_option.h"
#include "hit_text.h"
#include "hub_path.h"
#include "platform/machine.h"
#include "progress.h"
#include "run/evaluate.h"
#include "tune/ceilings.h"

namespace lathe::cli {
namespace {

struct Options {
  run::SearcherOptions searcher;
  std::vector<std::string> words;
  std::string file, cache, device = "cpu";
  int64_t k = 5, samples = 200;
  bool json = false, full = false, evaluate = false;
};

Status read_lines(std::istream& in, const std::string& name, std::vector<std::string>& queries) {
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) queries.push_back(line);
  }
  return in.bad() ? io_error("cannot read " + name + ": " + std::strerror(errno)) : Status();
}

// The words of the command line are one query; else a query a line.
Result<std::vector<std::string>> queries_of(const Options& options) {
  std::vector<std::string> queries;
  if (!options.words.empty() && !options.file.empty())
    return invalid_argument("a query and --queries are both given, needed: one of them");
  if (!options.words.empty()) {
    queries.push_back(fmt::format("{}", fmt::join(options.words, " ")));
  } else if (!options.file.empty() && options.file != "-") {
    std::ifstream file(options.file);
    if (!file) return not_found("cannot open " + shown(options.file) + ": " + std::strerror(errno));
    if (Status status = read_lines(file, options.file, queries); !status.ok()) return status;
  } else if (options.file == "-" || !options.evaluate) {
    if (Status status = read_lines(std::cin, "standard input", queries); !status.ok()) return status;
  }
  return queries;
}

void print_json(const run::Searcher& searcher, const std::string& query, const std::vector<ops::Hit>& hits) {
  for (size_t i = 0; i < hits.size(); ++i) {
    const IndexedChunk chunk = searcher.index().chunk(hits[i].index);
    const nlohmann::ordered_json line = {{"query", query},
                                         {"rank", i + 1},
                                         {"score", hits[i].score},
                                         {"path", searcher.index().file(chunk.file).path},
                                         {"lines", {chunk.first_line, chunk.last_line}},
                                         {"bytes", {chunk.begin, chunk.end}},
                                         {"heading", chunk.heading},
                                         {"text", chunk.text}};
    fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

void print_text(const run::Searcher& searcher, const std::string& query, const std::vector<ops::Hit>& hits,
                const HitStyle& style, bool name_query) {
  const IndexFile& index = searcher.index();
  if (name_query)
    fmt::print("\n{}{}{}\n", style.colour ? "\033[1m" : "", one_line(query), style.colour ? "\033[0m" : "");
  for (size_t i = 0; i < hits.size(); ++i) {
    const IndexedChunk chunk = index.chunk(hits[i].index);
    fmt::print("{}", hit_text(static_cast<int64_t>(i) + 1, hits[i].score, index.file(chunk.file), chunk, query, style));
  }
  const run::SearchTimes& t = searcher.times();
  fmt::print(
      "{}{} of {} chunks in {} files; query embedded in {:.1f} ms, scan {:.3f} ms, model and index opened in "
      "{:.0f} ms{}\n",
      style.colour ? "\033[2m" : "", hits.size(), index.chunks(), index.files(), t.embed_ms, t.scan_ms,
      searcher.load_ms(), style.colour ? "\033[0m" : "");
}

// The rate that memory gives at most, or the last cache where all that is scanned fits it.
Status print_evaluation(run::Searcher& searcher, std::vector<std::string> queries, int64_t samples) {
  const auto evaluation = run::evaluate(searcher, std::move(queries), samples);
  if (!evaluation) return evaluation.status();
  const Machine& machine = this_machine();
  const auto ceilings = tune::measure_ceilings(
      searcher.team(),
      {.last_cache_bytes = std::max(machine.l3.bytes, int64_t{32} << 20), .available_bytes = machine.memory_available});
  if (!ceilings) return ceilings.status();
  fmt::print("{} queries against {} chunks of {}, {} threads; memory read {:.1f} GB/s\n", evaluation->queries,
             evaluation->chunks, searcher.index().dim(), evaluation->threads, ceilings->read.giga);
  fmt::print("{:<16} {:>9} {:>7} {:>10} {:>9} {:>10} {:>7} {:>14}\n", "scan", "recall@10", "worst", "ms/query", "MB",
             "Mvectors/s", "GB/s", "share of read");
  for (const run::ScanFigures& row : evaluation->rows) {
    const double giga = static_cast<double>(row.bytes) * 1e-6 / row.ms;
    const bool cached = row.bytes < machine.l3.bytes;
    fmt::print("{:<16} {:>9.4f} {:>7.2f} {:>10.4f} {:>9.2f} {:>10.1f} {:>7.1f} {:>14}\n", row.name, row.recall,
               row.worst, row.ms, static_cast<double>(row.bytes) * 1e-6,
               static_cast<double>(evaluation->chunks) * 1e-3 / row.ms, giga,
               cached ? "in cache" : fmt::format("{:.0f} %", 100 * giga / ceilings->read.giga));
  }
  return {};
}

Result<run::Searcher> open_searcher(run::SearcherOptions options) {
  Progress progress;
  options.embedder.uploaded = [&](int64_t done, int64_t total) { progress.show_bytes(done, total, "to the device"); };
  auto searcher = run::Searcher::open(options);
  progress.clear();
  return searcher;
}

Status search(const Options& options) {
  if (options.k < 1) return invalid_argument(fmt::format("-k is {}, needed: at least 1", options.k));
  if (options.samples < 1) return invalid_argument(fmt::format("-n is {}, needed: at least 1", options.samples));
  auto queries = queries_of(options);
  if (!queries) return queries.status();
  if (queries->empty() && !options.evaluate)
    return invalid_argument("there is no query, needed: on the command line, in --queries, or on standard input");
  run::SearcherOptions o = options.searcher;
  o.embedder.hub = hub_path();
  o.embedder.cache = cache_options(options.cache);
  if (Status status = set_device(options.device, o.embedder); !status.ok()) return status;
  auto searcher = open_searcher(o);
  if (!searcher) return searcher.status();
  if (o.embedder.model.empty() && is_shipped_encoder(searcher->index().meta().model))
    say_shipped_encoder("the index was made without -m");
  if (options.evaluate) return print_evaluation(*searcher, std::move(*queries), options.samples);
  HitStyle style = style_of_stdout();
  if (options.full) style.lines = 0;
  for (const std::string& query : *queries) {
    const auto hits = searcher->search(query, options.k);
    if (!hits) return Status(hits.status().code(), "query " + shown(query) + ": " + hits.status().message());
    if (options.json)
      print_json(*searcher, query, *hits);
    else
      print_text(*searcher, query, *hits, style, queries->size() > 1);
  }
  return {};
}

}  // namespace

void add_search(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("search", "Search an index by meaning");
  auto options = std::make_shared<Options>();
  command->add_option("INDEX", options->searcher.index, "What `lathe index` wrote")->required();
  command->add_option("QUERY", options->words, "The words of one query; without any, a query a line of standard input");
  command->add_option("--queries", options->file, "A file with a query a line; - for standard input");
  command->add_option("-k", options->k, "How many hits")->capture_default_str();
  command->add_option("-m,--model", options->searcher.embedder.model,
                      "Where the index's model lies now, if it was moved");
  add_cache_option(*command, options->cache);
  add_device_option(*command, options->device);
  command->add_option("-t,--threads", options->searcher.embedder.threads, "Threads; 0: what the machine recommends");
  command->add_flag("--json", options->json, "A line of JSON for each hit");
  command->add_flag("--full", options->full, "Whole chunks, not three lines of each");
  command->add_flag("--evaluate", options->evaluate, "Recall@10 and time of the stored vectors against exact ones");
  command->add_option("-n", options->samples, "--evaluate without queries: so many chunks' first sentences")
      ->capture_default_str();
  command->callback([options, &chosen] { chosen = [options] { return search(*options); }; });
}

}  // namespace lathe::cli
