#include "export_run.h"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "base/shown.h"
#include "hub_path.h"
#include "interrupt.h"
#include "named.h"
#include "progress.h"

namespace lathe::cli {
namespace {

constexpr std::pair<std::string_view, DType> kTypes[] = {
    {"q8_0", DType::q8_0}, {"q4_0", DType::q4_0}, {"q4_1", DType::q4_1}, {"q5_0", DType::q5_0},
    {"q5_1", DType::q5_1}, {"q4_k", DType::q4_k}, {"q5_k", DType::q5_k}, {"q6_k", DType::q6_k},
    {"f16", DType::f16},   {"bf16", DType::bf16}, {"f32", DType::f32}};

double mb(int64_t bytes) { return static_cast<double>(bytes) * 1e-6; }

}  // namespace

Result<DType> weight_type(const std::string& name, const char* option) { return named(name, option, kTypes); }

void add_export_options(CLI::App& command, ExportOptions& options, const std::string& what) {
  command.add_option("IN", options.model, "A GGUF file, a Hugging Face folder, or a name in its cache")
      ->type_name("MODEL")
      ->required();
  command.add_option("OUT", options.output, what)->type_name("PATH")->required();
  command.add_option("--threads", options.threads, "0: what the machine recommends")
      ->type_name("N")
      ->capture_default_str();
  command.add_flag("-q,--quiet", options.quiet, "No bar and no figures on stderr");
}

void print_report(const run::ExportReport& report, const std::string& output) {
  for (const std::string& note : report.notes) fmt::print(stderr, "note: {}\n", note);
  const double bits =
      report.values == 0 ? 0.0 : 8 * static_cast<double>(report.tensor_bytes) / static_cast<double>(report.values);
  fmt::print(stderr, "{}: {:.1f} MB, from {:.1f} MB of tensors; {:.2f} bits per weight\n", output,
             mb(report.file_bytes), mb(report.source_bytes), bits);
}

Status write_with_progress(const ExportOptions& options, const WriteFile& write) {
  Progress bar;
  run::ExportProgress progress;
  if (!options.quiet)
    progress = [&](int64_t done, int64_t total, std::string_view tensor) {
      bar.show_share(done, total, shown(tensor));
    };
  end_quietly_on_signals();
  const auto report = write(remove_on_signals, progress);
  remove_on_signals("");
  bar.clear();
  if (!report) return report.status();
  if (!options.quiet) print_report(*report, options.output);
  return {};
}

Status write_gguf(const ExportOptions& options, const run::QuantizeTypes& types) {
  return write_with_progress(options, [&](const auto& writing, const run::ExportProgress& progress) {
    return run::quantize({.model = options.model,
                          .hub = hub_path(),
                          .output = options.output,
                          .types = types,
                          .threads = options.threads,
                          .writing = writing,
                          .progress = progress});
  });
}

}  // namespace lathe::cli
