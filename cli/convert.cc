// lathe convert: a model from one kind of files into another.
#include <memory>
#include <string>

#include "commands.h"
#include "export_run.h"

namespace lathe::cli {
namespace {

struct Options {
  ExportOptions common;
  std::string type;
};

Status convert(const Options& options) {
  run::QuantizeTypes types;
  if (!options.type.empty()) {
    const auto type = weight_type(options.type, "--type");
    if (!type) return type.status();
    types.type = *type;
  }
  return write_gguf(options.common, types);
}

}  // namespace

void add_convert(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("convert", "Turn a Hugging Face folder into a GGUF file");
  auto options = std::make_shared<Options>();
  add_export_options(*command, options->common, "The GGUF file");
  command->add_option("--type", options->type, std::string("Of matrices, else as they are: ") + kWeightTypeNames)
      ->type_name("TYPE");
  command->callback([options, &chosen] { chosen = [options] { return convert(*options); }; });
}

}  // namespace lathe::cli
