// lathe embed: texts to vectors.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache_path.h"
#include "commands.h"
#include "default_model.h"
#include "device_option.h"
#include "embed_run.h"
#include "hub_path.h"
#include "interrupt.h"
#include "named.h"
#include "progress.h"
#include "size_option.h"

namespace lathe::cli {
namespace {

struct Options {
  run::EmbedderOptions embedder;
  std::string pooling, dtype = "auto", overflow = "truncate", task, prompt, max_rss, cache, device = "cpu",
                       dispatch = "model";
  bool normalize = false, no_normalize = false, prompt_given = false;
  TextSourceOptions source;
  std::string output, format, on_error;
  bool quiet = false;
};

constexpr std::pair<std::string_view, Pooling> kPoolings[] = {
    {"mean", Pooling::mean}, {"cls", Pooling::cls}, {"max", Pooling::max}, {"last", Pooling::last_token}};
constexpr std::pair<std::string_view, matmul::Type> kTypes[] = {
    {"f32", matmul::Type::f32},           {"bf16", matmul::Type::bf16},        {"f16", matmul::Type::f16},
    {"q8_0", matmul::Type::q8_0},         {"q4_0", matmul::Type::q4_0},        {"q8_a7", matmul::Type::q8_a7},
    {"bf16_b16", matmul::Type::bf16_b16}, {"bf16_d16", matmul::Type::bf16_d16}};
constexpr std::pair<std::string_view, ops::Dispatch> kDispatches[] = {
    {"op", ops::Dispatch::op}, {"layer", ops::Dispatch::layer}, {"model", ops::Dispatch::model}};
constexpr std::pair<std::string_view, run::Overflow> kOverflows[] = {
    {"error", run::Overflow::error}, {"truncate", run::Overflow::truncate}, {"chunk", run::Overflow::chunk}};
constexpr std::pair<std::string_view, VectorFormat> kFormats[] = {
    {"jsonl", VectorFormat::jsonl}, {"npy", VectorFormat::npy}, {"raw", VectorFormat::raw}};
constexpr std::pair<std::string_view, OnError> kLinesOnError[] = {
    {"report", OnError::report}, {"skip", OnError::skip}, {"stop", OnError::stop}};
constexpr std::pair<std::string_view, OnError> kArraysOnError[] = {
    {"stop", OnError::stop}, {"skip", OnError::skip}, {"zero", OnError::zero}};

// What the model's files say is replaced only by what was given.
Status read_vector_options(const Options& options, run::EmbedderOptions& e) {
  e.stored.reset();
  if (options.dtype != "auto") {
    const auto stored = named(options.dtype, "--dtype", kTypes);
    if (!stored) return Status(stored.status().code(), stored.status().message() + ", auto");
    e.stored = *stored;
  }
  if (!options.pooling.empty()) {
    const auto pooling = named(options.pooling, "--pooling", kPoolings);
    if (!pooling) return pooling.status();
    e.pooling = *pooling;
  }
  if (options.normalize && options.no_normalize)
    return invalid_argument("--normalize and --no-normalize are both given, needed: one of them");
  if (options.normalize || options.no_normalize) e.normalize = options.normalize;
  return {};
}

Result<run::EmbedderOptions> embedder_options(const Options& options) {
  run::EmbedderOptions e = options.embedder;
  if (Status status = or_shipped_encoder(e.model); !status.ok()) return status;
  e.hub = hub_path();
  e.cache = cache_options(options.cache);
  if (Status status = read_vector_options(options, e); !status.ok()) return status;
  const auto overflow = named(options.overflow, "--on-overflow", kOverflows);
  if (!overflow) return overflow.status();
  e.overflow = *overflow;
  if (e.overlap != 0 && e.overflow != run::Overflow::chunk)
    return invalid_argument("--overlap is given, needed with it: --on-overflow chunk");
  if (!options.task.empty() && options.prompt_given)
    return invalid_argument("--task and --prompt are both given, needed: one of them");
  if (!options.task.empty()) e.task = options.task;
  if (options.prompt_given) e.prompt = options.prompt;
  if (Status status = set_device(options.device, e); !status.ok()) return status;
  const auto dispatch = named(options.dispatch, "--dispatch", kDispatches);
  if (!dispatch) return dispatch.status();
  e.dispatch = *dispatch;
  if (e.device && !options.max_rss.empty())
    return invalid_argument("--max-rss with --device " + options.device +
                            ": it limits batches on the CPU, needed: --batch-tokens");
  if (options.max_rss.empty()) return e;
  const auto max_rss = parse_size(options.max_rss, "--max-rss");
  if (!max_rss) return max_rss.status();
  e.max_rss = *max_rss;
  return e;
}

Result<VectorFormat> format_of(const Options& options) {
  const bool npy = options.format.empty() && options.output.ends_with(".npy");
  const auto format = named(options.format.empty() ? npy ? "npy" : "jsonl" : options.format, "--format", kFormats);
  if (format && *format != VectorFormat::jsonl && options.output.empty() && ::isatty(STDOUT_FILENO) == 1)
    return invalid_argument("--format is " + options.format +
                            ", and standard output is a terminal; needed: --output FILE, or a redirection");
  return format;
}

Result<OnError> on_error_of(const Options& options, VectorFormat format) {
  const bool lines = format == VectorFormat::jsonl;
  if (options.on_error.empty()) return lines ? OnError::report : OnError::stop;
  return lines ? named(options.on_error, "--on-error with --format jsonl", kLinesOnError)
               : named(options.on_error, "--on-error with an array", kArraysOnError);
}

Result<run::Embedder> open_embedder(run::EmbedderOptions options, bool quiet) {
  Progress progress;
  if (!quiet)
    options.uploaded = [&progress](int64_t done, int64_t total) { progress.show_bytes(done, total, "to the device"); };
  auto embedder = run::Embedder::open(options);
  progress.clear();
  return embedder;
}

// Everything that can be refused quickly is, before the model is opened.
Status embed(const Options& options) {
  const auto e = embedder_options(options);
  if (!e) return e.status();
  const auto format = format_of(options);
  if (!format) return format.status();
  const auto on_error = on_error_of(options, *format);
  if (!on_error) return on_error.status();
  auto source = TextSource::open(options.source);
  if (!source) return source.status();
  end_quietly_on_signals();
  auto output = OutputFile::open(options.output, *format == VectorFormat::npy);
  if (!output) return output.status();
  auto embedder = open_embedder(*e, options.quiet);
  if (!embedder) return embedder.status();
  const auto writer = vector_writer(*format, embedder->dim(), std::move(*output));
  if (source->waits_for_terminal() && !options.quiet)
    std::fputs("One text a line; Ctrl-D on an empty line ends them.\n", stderr);
  return EmbedRun(*embedder, *source, *writer, {.on_error = *on_error, .quiet = options.quiet}).run();
}

void add_texts(CLI::App& command, Options& o) {
  constexpr const char* kGroup = "Texts";
  command.add_option("TEXT", o.source.texts, "Texts; without any, lines of standard input")->group(kGroup);
  command.add_option("--file", o.source.file, "Read texts from a file, one a line; - for standard input")
      ->group(kGroup)
      ->type_name("FILE");
  command
      .add_option("--input-format", o.source.format,
                  "lines, or jsonl: an object a line, with a text and maybe an id; without it, by the file's name")
      ->group(kGroup)
      ->type_name("FORMAT");
  command.add_option("--field", o.source.field, "Where a JSON line has its text")
      ->group(kGroup)
      ->type_name("NAME")
      ->capture_default_str();
  command
      .add_option("--task", o.task, "Put the model's own prompt of this name before every text: query, document ...")
      ->group(kGroup)
      ->type_name("NAME");
  command
      .add_option_function<std::string>(
          "--prompt", [&o](const std::string& text) { o.prompt = text, o.prompt_given = true; },
          "Put these words before every text")
      ->group(kGroup)
      ->type_name("WORDS");
  command.add_option("--max-tokens", o.embedder.max_tokens, "Tokens of a text; without it, what the model takes")
      ->group(kGroup)
      ->type_name("N");
  command
      .add_option("--on-overflow", o.overflow,
                  "A text that is longer: truncate (with a warning), error, or chunk (the mean of its parts by their "
                  "tokens)")
      ->group(kGroup)
      ->type_name("WHAT")
      ->capture_default_str();
  command.add_option("--overlap", o.embedder.overlap, "Tokens that a chunk shares with the one before")
      ->group(kGroup)
      ->type_name("N")
      ->capture_default_str();
}

void add_vectors(CLI::App& command, Options& o) {
  constexpr const char* kGroup = "Vectors";
  command.add_option("--pooling", o.pooling, "mean, cls, max or last instead of what the model's files say")
      ->group(kGroup)
      ->type_name("NAME");
  command.add_flag("--normalize", o.normalize, "Give every vector the length 1, whatever the model's files say")
      ->group(kGroup);
  command.add_flag("--no-normalize", o.no_normalize, "Leave vectors as they are pooled")->group(kGroup);
  command.add_option("--dim", o.embedder.dim, "Keep the first N elements")->group(kGroup)->type_name("N");
  command
      .add_option("--dtype", o.dtype,
                  "How weights are kept: f32, bf16, f16, q8_0, q4_0, q8_a7 (fastest without AMX), bf16_b16 (with it), "
                  "bf16_d16 (with Arm's bf16), or "
                  "auto: as the file has them")
      ->group(kGroup)
      ->type_name("TYPE")
      ->capture_default_str();
}

void add_output(CLI::App& command, Options& o) {
  constexpr const char* kGroup = "Output";
  command.add_option("-o,--output", o.output, "Write a file, which is there whole or not at all")
      ->group(kGroup)
      ->type_name("FILE");
  command
      .add_option("--format", o.format,
                  "jsonl, npy (float32 [texts, dim]) or raw (its floats alone); without it, npy for a file of that "
                  "name, else jsonl")
      ->group(kGroup)
      ->type_name("FORMAT");
  command
      .add_option("--on-error", o.on_error,
                  "A text that fails: report (jsonl: its line says why), skip, stop, zero (arrays: a row of zeros); "
                  "without it, report or stop")
      ->group(kGroup)
      ->type_name("WHAT");
  command.add_flag("-q,--quiet", o.quiet, "No progress, and no warning for each text")->group(kGroup);
}

void add_resources(CLI::App& command, Options& o) {
  constexpr const char* kGroup = "Resources";
  command.add_option("--threads", o.embedder.threads, "0: what the machine recommends")
      ->group(kGroup)
      ->type_name("N")
      ->capture_default_str();
  command.add_option("--batch-tokens", o.embedder.batch_tokens, "Texts share a pass up to so many tokens")
      ->group(kGroup)
      ->type_name("N")
      ->capture_default_str();
  add_device_option(command, o.device)->group(kGroup);
  command.add_option("--dispatch", o.dispatch, "Team or device are entered once for each op, layer or pass (model)")
      ->group(kGroup)
      ->type_name("WHAT")
      ->capture_default_str();
  command.add_option("--max-rss", o.max_rss, "Memory that the process may have, as 512M or 2G; batches get smaller")
      ->group(kGroup)
      ->type_name("SIZE");
}

constexpr const char* kFooter = R"(
Examples:
  lathe embed "one text" "another"                     a line of JSON for each, by the model that comes with lathe
  lathe embed -m MODEL --file texts.txt -o texts.npy   one text a line, for numpy.load
  lathe embed -m MODEL --file docs.jsonl --task document -o vectors.jsonl

Exit codes: 0 all texts embedded; 1 some failed (the others are written), or nothing could be done; 2 a mistake in the
command line; 130 interrupted by Ctrl-C.)";

}  // namespace

void add_embed(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("embed", "Texts to vectors, as JSON lines or an array");
  auto options = std::make_shared<Options>();
  command
      ->add_option(
          "-m,--model", options->embedder.model,
          "A model's folder or file, or its name in the Hugging Face cache; else the one that comes with lathe")
      ->type_name("MODEL");
  add_texts(*command, *options);
  add_vectors(*command, *options);
  add_output(*command, *options);
  add_resources(*command, *options);
  add_cache_option(*command, options->cache);
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return embed(*options); }; });
}

}  // namespace lathe::cli
