// lathe convert: a model from one kind of files into another.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "base/shown.h"
#include "commands.h"
#include "export_run.h"
#include "hub_path.h"
#include "interrupt.h"
#include "progress.h"
#include "run/hf_folder.h"
#include "size_option.h"

namespace lathe::cli {
namespace {

struct Options {
  ExportOptions common;
  std::string type, shard;
};

Status write_folder(const Options& options, const run::QuantizeTypes& types) {
  const auto type = types.type;
  if (type && *type != DType::f32 && *type != DType::f16 && *type != DType::bf16)
    return invalid_argument("--type is " + shown(options.type) + ", needed: f32, f16 or bf16 for a folder");
  Progress progress;
  run::HfFolderOptions folder{.model = options.common.model,
                              .hub = hub_path(),
                              .output = options.common.output,
                              .type = type,
                              .threads = options.common.threads,
                              .progress = {}};
  if (!options.shard.empty()) {
    const auto bytes = parse_size(options.shard, "--shard");
    if (!bytes) return bytes.status();
    folder.shard_bytes = *bytes;
  }
  if (!options.common.quiet)
    folder.progress = [&](int64_t done, int64_t total, std::string_view tensor) {
      progress.show_share(done, total, shown(tensor));
    };
  const auto report = run::write_hugging_face(folder);
  progress.clear();
  if (!report) return report.status();
  if (!options.common.quiet) print_report(*report, options.common.output);
  return {};
}

Status convert(const Options& options) {
  run::QuantizeTypes types;
  if (!options.type.empty()) {
    const auto type = weight_type(options.type, "--type");
    if (!type) return type.status();
    types.type = *type;
  }
  const bool to_gguf = options.common.output.ends_with(".gguf");
  if (to_gguf && !options.shard.empty())
    return invalid_argument("--shard is given, needed: a folder as the output, since a GGUF file is one piece");
  return to_gguf ? write_gguf(options.common, types) : write_folder(options, types);
}

constexpr const char* kFooter = R"(
Examples:
  lathe convert FOLDER model.gguf            a Hugging Face folder into GGUF, types as they are
  lathe convert FOLDER model.gguf --type q8_0
  lathe convert model.gguf FOLDER            and back: safetensors and config.json

What is a folder and what a GGUF file is told by OUT, whose name ends in .gguf or does not.)";

}  // namespace

void add_convert(CLI::App& lathe, Command& chosen) {
  CLI::App* command =
      lathe.add_subcommand("convert", "Turn a Hugging Face folder into GGUF, or GGUF into such a folder");
  auto options = std::make_shared<Options>();
  add_export_options(*command, options->common, "A GGUF file (.gguf), or a new folder");
  command->add_option("--type", options->type, std::string("Of matrices, else as they are: ") + kWeightTypeNames)
      ->type_name("TYPE");
  command->add_option("--shard", options->shard, "The most that one file of a folder takes, as 2G; else 5 GB")
      ->type_name("SIZE");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return convert(*options); }; });
}

}  // namespace lathe::cli
