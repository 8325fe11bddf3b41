// lathe quantize: a model into a smaller GGUF file.
#include "run/quantize.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "commands.h"
#include "export_run.h"

namespace lathe::cli {
namespace {

struct Options {
  ExportOptions common;
  std::string type, output, embedding;
  bool mixed = false;
};

Status quantize(const Options& options) {
  run::QuantizeTypes types{.mixed = options.mixed};
  for (const auto& [text, option, type] :
       {std::tuple{&options.type, "--type", &types.type}, std::tuple{&options.output, "--output-type", &types.output},
        std::tuple{&options.embedding, "--embedding-type", &types.embedding}}) {
    if (text->empty()) continue;
    const auto named = weight_type(*text, option);
    if (!named) return named.status();
    *type = *named;
  }
  return write_gguf(options.common, types);
}

constexpr const char* kFooter = R"(
Examples:
  lathe quantize model.gguf model-q8_0.gguf --type q8_0
  lathe quantize FOLDER model-q4_k.gguf --type q4_k --mixed      a Hugging Face folder
  lathe quantize model.gguf out.gguf --type q4_k --output-type q6_k --embedding-type q8_0

Vectors, norms and positions stay F32. Rows that are no multiple of 256 become q8_0 instead of q4_k, q5_k and q6_k.)";

}  // namespace

void add_quantize(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("quantize", "Write a model as a GGUF file of another type");
  auto options = std::make_shared<Options>();
  add_export_options(*command, options->common, "The GGUF file");
  command->add_option("--type", options->type, std::string("Of matrices: ") + kWeightTypeNames)
      ->type_name("TYPE")
      ->required();
  command->add_option("--output-type", options->output, "Of the head, which the word table often is")
      ->type_name("TYPE");
  command->add_option("--embedding-type", options->embedding, "Of the word table")->type_name("TYPE");
  command->add_flag("--mixed", options->mixed,
                    "With q4_k and q5_k: q6_k for the head and for some of the layers' values "
                    "and down projections, as llama.cpp's Q4_K_M and Q5_K_M have it");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return quantize(*options); }; });
}

}  // namespace lathe::cli
