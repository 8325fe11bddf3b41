// lathe bench generate: what a decoder does with prompts and answers.
#include "bench_generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "bench_generate_device.h"
#include "bench_generate_report.h"
#include "bench_generate_turns.h"
#include "cache_path.h"
#include "decoder_options.h"
#include "device_option.h"
#include "generate_types.h"
#include "hub_path.h"
#include "named.h"
#include "platform/clock.h"
#include "progress.h"

namespace lathe::cli {
namespace {

constexpr int64_t kCancelTries = 9;
constexpr int64_t kMostTexts = 4096;

enum class Format : uint8_t { text, json, csv, md };

struct BenchGenerateOptions {
  run::GeneratorOptions generator;
  std::string dtype = "auto", kv, device = "cpu";
  int64_t prompt = 512, tokens = 128, runs = 5, soak = 0;
  std::vector<int64_t> batch = {1, 8};
  Format format = Format::text;
  bool interactive = false, sweep = false, no_start = false;
};

Result<run::GeneratorOptions> generator_options(const BenchGenerateOptions& o) {
  run::GeneratorOptions g = o.generator;
  g.hub = hub_path();
  g.cache = cache_options("");
  const auto stored = named(o.dtype, "--dtype", kGenerateTypes);
  if (!stored) return stored.status();
  g.stored = *stored;
  if (Status status = set_device(o.device, g); !status.ok()) return status;
  const auto kv = kv_type(o.kv, g.device.has_value());
  if (!kv) return kv.status();
  g.cache_type = *kv;
  return g;
}

// What the benchmark of the CPU has and that of a device has not.
Status check_device_options(const BenchGenerateOptions& o) {
  const auto no = [&](const char* option, const char* needed) {
    return invalid_argument(
        fmt::format("{} with --device {}: there is none for devices, needed: {}", option, o.device, needed));
  };
  if (o.soak > 0) return no("--soak-tokens", "--tokens");
  if (o.format == Format::csv || o.format == Format::md) return no("--csv and --md", "--json or text");
  if (o.interactive) return no("--interactive", "the command without it");
  return {};
}

Status check_numbers(const BenchGenerateOptions& o) {
  const auto check = [](const char* name, int64_t value, int64_t least) {
    return value >= least ? Status()
                          : invalid_argument(fmt::format("{} is {}, needed: {} or more", name, value, least));
  };
  for (const auto& [name, value, least] : {std::tuple("--prompt", o.prompt, 0), std::tuple("--tokens", o.tokens, 0),
                                           std::tuple("--runs", o.runs, 1), std::tuple("--soak-tokens", o.soak, 0)})
    if (Status s = check(name, value, least); !s.ok()) return s;
  for (const int64_t texts : o.batch)
    if (texts < 1 || texts > kMostTexts)
      return invalid_argument(fmt::format("--batch is {}, needed: 1 to {}", texts, kMostTexts));
  return {};
}

std::vector<run::GenerateTest> tests_of(const BenchGenerateOptions& o) {
  using Kind = run::GenerateTest::Kind;
  std::vector<run::GenerateTest> tests;
  if (o.prompt > 0) tests.push_back({.kind = Kind::prompt, .tokens = o.prompt});
  if (o.tokens > 0)
    for (const int64_t texts : o.batch) tests.push_back({.kind = Kind::answer, .tokens = o.tokens, .texts = texts});
  return tests;
}

std::string kv_name(const BenchGenerateOptions& o) { return o.kv.empty() ? "f16" : o.kv; }

Status add_starts(const BenchGenerateOptions& o, GenerateBenchReport& report) {
  const run::GeneratorOptions& g = o.generator;
  return cli::add_starts(g.model, hub_path(),
                         {"generate", "-m", g.model, "--dtype", o.dtype, "--kv", kv_name(o), "--threads",
                          std::to_string(g.threads), "--prompt-ids", "1,2,3", "--ids", "-n", "1", "--ignore-end"},
                         report);
}

// Opens the model and generates one token: what is resident then is what an idle process has.
Result<std::unique_ptr<run::Generator>> open_idle(const run::GeneratorOptions& options, GenerateBenchReport& report) {
  const int64_t began = now_ns();
  auto generator = run::Generator::open(options);
  if (!generator) return generator;
  report.open_ms = static_cast<double>(now_ns() - began) / 1e6;
  run::Generator& g = **generator;
  if (const auto first = run::time_generation(g, {.tokens = 1}, 1); !first) return first.status();
  note_idle(report);
  report.dtype = std::string(matmul::type_name(g.stored()));
  report.threads = g.team().size();
  report.context = g.context();
  report.prompt_tokens = options.prompt_tokens;
  report.weight_bytes = g.decoder().weights().product_bytes();
  for (const TensorView& tensor : g.tensors().all()) report.parameters += tensor.elements();
  return generator;
}

Status add_tests(run::Generator& generator, const BenchGenerateOptions& o, GenerateBenchReport& report) {
  const std::vector<run::GenerateTest> tests = tests_of(o);
  Progress progress;
  for (const run::GenerateTest& test : tests) {
    progress.show(std::ssize(report.tests), std::ssize(tests), test.name());
    auto row = run::bench_generation(generator, test, {.runs = o.runs, .threads = report.threads});
    if (!row) return row.status();
    report.tests.push_back(std::move(*row));
  }
  if (o.prompt == 0) return {};
  const auto cancel = run::time_cancel(generator, o.prompt, kCancelTries);
  if (!cancel) return cancel.status();
  report.cancel = *cancel;
  return {};
}

Status add_sweep(run::Generator& generator, const BenchGenerateOptions& o, GenerateBenchReport& report) {
  const auto rows = run::sweep_generation(generator, o.batch, std::clamp<int64_t>(o.prompt, 1, 128), 1);
  if (!rows) return rows.status();
  for (size_t i = 0; i < rows->size(); ++i)
    report.sweep.emplace_back(i < o.batch.size() ? "answers" : "prompt", (*rows)[i]);
  return {};
}

Status measure(const BenchGenerateOptions& o, const run::GeneratorOptions& options, GenerateBenchReport& report) {
  if (!o.no_start)
    if (Status s = add_starts(o, report); !s.ok()) return s;
  const auto generator = open_idle(options, report);
  if (!generator) return generator.status();
  if (o.soak > 0) {
    const auto soaked = run::soak(**generator, o.soak);
    if (!soaked) return soaked.status();
    report.soak = *soaked;
  } else if (Status s = add_tests(**generator, o, report); !s.ok()) {
    return s;
  }
  note_peak(report);
  if (o.sweep)
    if (Status s = add_sweep(**generator, o, report); !s.ok()) return s;
  return add_ceilings((*generator)->team(), (*generator)->stored(), report);
}

std::string report_as(Format format, const GenerateBenchReport& report) {
  switch (format) {
    case Format::json:
      return report_json(report);
    case Format::csv:
      return report_csv(report);
    case Format::md:
      return report_markdown(report);
    case Format::text:
      break;
  }
  return report_text(report);
}

Status bench_generate(const BenchGenerateOptions& o) {
  const auto options = generator_options(o);
  if (!options) return options.status();
  if (Status s = check_numbers(o); !s.ok()) return s;
  if (options->device) {
    if (Status s = check_device_options(o); !s.ok()) return s;
    return bench_generate_device(*options, {.prompt = o.prompt, .tokens = o.tokens, .texts = o.batch, .runs = o.runs},
                                 o.format == Format::json);
  }
  if (o.interactive) {
    const auto generator = run::Generator::open(*options);
    return generator ? take_turns(**generator) : generator.status();
  }
  GenerateBenchReport report;
  report.model = o.generator.model;
  report.kv = kv_name(o);
  begin_bench(report);
  if (Status s = measure(o, *options, report); !s.ok()) return s;
  fmt::print("{}", report_as(o.format, report));
  return {};
}

void add_measured(CLI::App& command, BenchGenerateOptions& o) {
  command.add_option("--prompt", o.prompt, "Tokens of the prompt that is timed; 0: none")->capture_default_str();
  command.add_option("--tokens", o.tokens, "Tokens of the answers that are timed; 0: none")->capture_default_str();
  command.add_option("--batch", o.batch, "How many texts answer at once, with commas between the numbers")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command.add_option("--runs", o.runs, "Of each test, behind one that is not counted")->capture_default_str();
  command.add_flag("--dispatch-sweep", o.sweep, "Compare entries of the team by pass, layer and op");
  command.add_option("--soak-tokens", o.soak, "Generate so many tokens instead, and see what memory does");
  command.add_flag("--no-start", o.no_start, "Leave out the starts of new processes");
}

void add_formats(CLI::App& command, BenchGenerateOptions& o) {
  const auto add = [&](const char* name, Format format, const char* what) {
    command.add_flag_callback(
        name, [&o, format] { o.format = format; }, what);
  };
  add("--json", Format::json, "Print JSON");
  add("--csv", Format::csv, "Print a row per test, with commas");
  add("--md", Format::md, "Print a row per test, as a table in Markdown");
}

}  // namespace

void add_bench_generate(CLI::App& bench, Command& chosen) {
  CLI::App* command = bench.add_subcommand("generate", "Time a decoder's prompts and answers");
  auto options = std::make_shared<BenchGenerateOptions>();
  run::GeneratorOptions& g = options->generator;
  command->add_option("-m,--model", g.model, "A model's folder or file, or its Hugging Face name")->required();
  command->add_option("--dtype", options->dtype, kGenerateTypesHelp)->capture_default_str();
  command->add_option("--kv", options->kv, "How keys and values are kept: f16 (what is without it), bf16, f32 or q8_0");
  add_device_option(*command, options->device);
  command->add_option("--prompt-tokens", g.prompt_tokens, "Tokens of the prompt that share a pass")
      ->capture_default_str();
  command->add_option("--threads", g.threads, "0: what the machine recommends")->capture_default_str();
  add_measured(*command, *options);
  add_formats(*command, *options);
  command->add_flag("--interactive", options->interactive, "Answer requests on standard input, one JSON a line")
      ->group("");
  command->callback([options, &chosen] { chosen = [options] { return bench_generate(*options); }; });
}

}  // namespace lathe::cli
