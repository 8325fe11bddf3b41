// lathe export: a trained model into the files that others read.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "commands.h"
#include "export_run.h"
#include "named.h"
#include "run/hf_copy.h"
#include "run/llama2c_export.h"

namespace lathe::cli {
namespace {

enum class Format { hf, gguf, llama2c };
constexpr std::pair<std::string_view, Format> kFormats[] = {
    {"hf", Format::hf}, {"gguf", Format::gguf}, {"llama2c", Format::llama2c}};

struct Options {
  ExportOptions common;
  std::string format, type;
};

// By the output's name where nothing is said.
Result<Format> format_of(const Options& options) {
  if (!options.format.empty()) return named(options.format, "--format", kFormats);
  if (options.common.output.ends_with(".gguf")) return Format::gguf;
  return options.common.output.ends_with(".bin") ? Format::llama2c : Format::hf;
}

Status to_folder(const std::string& checkpoint, const ExportOptions& options) {
  const auto bytes = run::copy_hugging_face(checkpoint, options.output);
  if (!bytes) return bytes.status();
  if (!options.quiet) fmt::print(stderr, "{}: {:.1f} MB\n", options.output, static_cast<double>(*bytes) * 1e-6);
  return {};
}

Status to_llama2c(const std::string& checkpoint, const ExportOptions& options) {
  return write_with_progress(options, [&](const auto& writing, const run::ExportProgress& progress) {
    return run::export_llama2c({.model = checkpoint,
                                .output = options.output,
                                .threads = options.threads,
                                .writing = writing,
                                .progress = progress});
  });
}

Status write(const Options& options) {
  const auto format = format_of(options);
  if (!format) return format.status();
  if (*format != Format::gguf && !options.type.empty())
    return invalid_argument("--type is given, needed: --format gguf, since the others hold f32 as it was trained");
  const auto checkpoint = run::trained_model(options.common.model);
  if (!checkpoint) return checkpoint.status();
  ExportOptions common = options.common;
  common.model = *checkpoint;
  if (*format == Format::hf) return to_folder(*checkpoint, common);
  if (*format == Format::llama2c) return to_llama2c(*checkpoint, common);
  run::QuantizeTypes types;
  if (!options.type.empty()) {
    const auto type = weight_type(options.type, "--type");
    if (!type) return type.status();
    types.type = *type;
  }
  return write_gguf(common, types);
}

constexpr const char* kFooter = R"(
Examples:
  lathe export run model-folder                a Hugging Face folder
  lathe export run model.gguf --type q8_0      for llama.cpp and its kin
  lathe export run/step-00001000 model.bin     for llama2.c

Of a run its best checkpoint is taken, else the last. A checkpoint is a Hugging Face folder already: 'lathe generate -m
RUN/best', 'lathe convert' and transformers read it as it lies there.)";

}  // namespace

void add_export(CLI::App& lathe, Command& chosen) {
  CLI::App* command =
      lathe.add_subcommand("export", "Write a trained model as a Hugging Face folder, GGUF or llama2.c");
  auto options = std::make_shared<Options>();
  command->add_option("RUN", options->common.model, "The folder of a run, or one of its checkpoints")
      ->type_name("RUN")
      ->required();
  command->add_option("OUT", options->common.output, "A new folder, or a file")->type_name("PATH")->required();
  command->add_option("--format", options->format, "hf, gguf or llama2c; else by OUT: .gguf, .bin, or a folder")
      ->type_name("NAME");
  command->add_option("--type", options->type, std::string("Of a GGUF file's matrices: ") + kWeightTypeNames)
      ->type_name("TYPE");
  command->add_option("--threads", options->common.threads, "0: what the machine recommends")
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("-q,--quiet", options->common.quiet, "No bar and no figures on stderr");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return write(*options); }; });
}

}  // namespace lathe::cli
