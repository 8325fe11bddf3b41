// lathe probe: measures the kernels on this machine against its ceilings and against installed libraries.
#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "device_option.h"
#include "probe/presets.h"
#include "probe_matmul.h"

namespace lathe::cli {
namespace {

std::string preset_help() {
  std::string text = "Shapes of known models:";
  for (const probe::Preset& p : probe::presets()) text += fmt::format("\n  {:<8} {}", p.name, p.what);
  return text + "\nWithout any shapes: quick.";
}

void add_what(CLI::App& command, ProbeOptions& o) {
  add_shape_options(command, o.shape, false);
  command.add_option("--preset", o.preset, preset_help())->type_name("NAME");
  command
      .add_option("--shapes", o.shapes_file,
                  "A JSON array of {name, m, n, k, layout, types, epilogue, batch, prepared, count, from}")
      ->type_name("FILE");
  command.add_option("--variants", o.probe.variants, "Only these variants: names or globs, joined by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("NAME,NAME,...");
  command
      .add_option(
          "--provider", o.probe.providers,
          "Only these peers: openblas, blis, onednn, accelerate, a cblas library's path, or none; of a GPU: cublas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("NAME,NAME,...");
  command.add_option("--isa", o.probe.isa, "Only variants of this instruction set")->type_name("NAME");
}

void add_how(CLI::App& command, ProbeOptions& o) {
  add_device_option(command, o.device);
  add_run_options(command, o.run);
  command.add_flag("--hot", o.probe.hot,
                   "Operands stay in the caches, instead of rotating through more than these hold");
  command.add_flag("--bitwise", o.probe.bitwise, "Run everything twice and compare the bits, also between variants");
  command.add_option("--seconds", o.probe.seconds, "Measured time per contender and shape")->capture_default_str();
  command.add_flag("--quick", o.quick, "A first look: 0.05 seconds and 5 samples at least");
}

void add_outputs(CLI::App& command, ProbeOptions& o) {
  command.add_option("--json", o.json, "Write every row as JSON; - for standard output")->type_name("FILE");
  command.add_option("--html", o.html, "Write one self-contained page")->type_name("FILE");
  command.add_option("--csv", o.csv, "Write every row as CSV")->type_name("FILE");
}

}  // namespace

void add_probe(CLI::App& lathe, Command& chosen) {
  CLI::App* probe = lathe.add_subcommand("probe", "Measure the kernels on this machine, beside installed libraries");
  probe->require_subcommand(1);
  CLI::App* command = probe->add_subcommand("matmul", "Verify and time every variant at every shape");
  auto options = std::make_shared<ProbeOptions>();
  add_what(*command, *options);
  add_how(*command, *options);
  add_outputs(*command, *options);
  CLI::Option* save = command->add_option("--save-plan", options->plan_path,
                                          "Keep the choices for dispatch; without FILE in the user's cache folder");
  save->expected(0, 1)->type_name("[FILE]");
  command->add_flag("--new-only", options->new_only,
                    "With --save-plan: only variants that the plan has no figure of, beside its choice");
  command->callback([options, command, save, &chosen] {
    options->save_plan = save->count() > 0;
    options->seconds_given = command->count("--seconds") > 0;
    chosen = [options] { return probe_matmul(*options); };
  });
}

}  // namespace lathe::cli
