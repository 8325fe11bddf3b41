// lathe train: a small language model from a configuration and token ids.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/shown.h"
#include "commands.h"
#include "hub_path.h"
#include "run/train_run.h"
#include "stop_signal.h"
#include "train_contrastive.h"
#include "train_display.h"
#include "train_ranks.h"
#include "train_text.h"

namespace lathe::cli {
namespace {

struct Options {
  run::TrainOptions run;
  run::ContrastiveOptions pairs{};  // of --contrastive; what the two kinds of runs share is in `run`
  int64_t log_every = 0;
  bool quiet = false, dry = false, no_ceiling = false;
  std::string ranks = "auto", reduce = "order";
};

constexpr const char* kStopping =
    "\nlathe: ending after what is being computed; the state is saved (a second signal ends at once)\n";

std::string farewell(const run::TrainRun& run, run::Trainer::End end) {
  if (end == run::Trainer::End::stopped)
    return fmt::format("stopped; go on with: lathe train --resume {}\n", run.folder());
  const std::string model =
      run.folder() + "/" +
      (run.plan().validation_tokens > 0 ? "best" : fmt::format("step-{:08}", run.plan().settings.steps));
  return fmt::format("finished; try it: lathe generate -m {} \"...\"\n", model);
}

Status train_pairs(const Options& options) {
  const run::TrainOptions& r = options.run;
  for (const auto& [name, given] : {std::pair{"--data", !r.data.empty()},
                                    {"--validation-data", !r.validation_data.empty()},
                                    {"--recompute", r.settings.recompute},
                                    {"--precision bf16", r.settings.precision != "f32"},
                                    {"--sample-every", r.sample_every > 0},
                                    {"--ranks", options.ranks != "auto" && options.ranks != "none"},
                                    {"--prompt", !r.prompt.empty()}})
    if (given)
      return invalid_argument(std::string(name) +
                              " is given with --contrastive or a run of it, needed: one of the two");
  run::ContrastiveOptions pairs = options.pairs;
  pairs.hub = hub_path();
  pairs.model = r.model;
  pairs.init = r.init;
  pairs.tokenizer = r.tokenizer;
  pairs.output = r.output;
  pairs.resume = r.resume;
  pairs.settings = r.settings;
  pairs.given = r.given;
  pairs.threads = r.threads;
  pairs.tensorboard = r.tensorboard;
  pairs.measure_ceiling = !options.no_ceiling && !options.dry;
  return train_contrastive(pairs, {options.log_every, options.quiet, options.dry});
}

// What a rank other than the first says is nothing: it has the same to say.
Result<run::Trainer::End> train(const Options& options, ranks::Group* group, std::unique_ptr<run::TrainRun>& run) {
  const bool quiet = options.quiet || (group != nullptr && group->rank() != 0);
  run::TrainOptions run_options = options.run;
  run_options.hub = hub_path();
  run_options.measure_ceiling = !options.no_ceiling && !options.dry;
  run_options.group = group;
  run_options.reduce_in_order = options.reduce == "order";
  if (group != nullptr && run_options.threads == 0) run_options.threads = threads_of_rank();
  auto opened = run::TrainRun::open(run_options);
  if (!opened) return opened.status();
  run = std::move(*opened);
  const run::TrainPlan& plan = run->plan();
  if (group == nullptr || group->rank() == 0)
    for (const std::string& note : plan.notes) fmt::print(stderr, "note: {}\n", note);
  if (!quiet) fmt::print("{}", plan_text(plan, run->folder()));
  std::fflush(stdout);
  if (options.dry) return run::Trainer::End::finished;
  stop_on_signals(group == nullptr || group->rank() == 0 ? kStopping : "");
  TrainDisplay display(plan.state.step, plan.settings.steps, options.log_every, quiet);
  return run->run({.watch = [&](const run::TrainEvent& event) { display.add(event); },
                   .idle = [&] { display.idle(); },
                   .stop = stop_asked});
}

Status train(const Options& options) {
  const std::string& resume = options.run.resume;
  if (!options.pairs.pairs.empty() || (!resume.empty() && run::holds_pairs_run(resume))) return train_pairs(options);
  if (options.reduce != "order" && options.reduce != "fast")
    return invalid_argument("--reduce is " + shown(options.reduce) + ", needed: order or fast");
  const auto group = join_ranks(options.ranks);
  if (!group) return group.status();
  std::unique_ptr<run::TrainRun> run;
  const auto end = train(options, group->get(), run);
  if (*group != nullptr) {
    if (Status status = leave_ranks(**group, end.status()); !status.ok()) return status;
    if ((*group)->rank() != 0) return {};
  }
  if (run != nullptr && run->dropped() > 0)
    fmt::print(stderr, "note: {} events found no room in the log's or the display's queue\n", run->dropped());
  if (!end) return end.status();
  if (options.dry) return {};
  if (!options.quiet) fmt::print("{}", farewell(*run, *end));
  if (*end == run::Trainer::End::stopped) return failed("stopped by a signal; what was reached is saved");
  return {};
}

constexpr const char* kFooter = R"(
Examples:
  lathe data build shakespeare.txt -o shakespeare.shard --tokenizer chars
  lathe train --model stories260k --data shakespeare.shard -o run --steps 2000 --context 128 --lr 1e-3
  lathe train --init SmolLM2 --data own.shard -o tuned --lr 2e-5          fine-tune a model
  lathe train --resume run                     go on, to the bits of a run that never stopped
  lathe train --resume run --steps 4000        and further
  mpirun -n 4 lathe train --accum 4 ...        four processes, on as many machines, to the same bits
  lathe generate -m run/best "Once upon"       the model (Llama and Qwen3 families)
  lathe train --contrastive pairs.tsv --init MODEL -o run      an embedding model that knows your texts

Ctrl-C saves and ends. RUN holds checkpoints (step-00000100 and so on, the best one as the link 'best'), log.jsonl and
log.csv; each checkpoint is a Hugging Face folder as it stands. Tokens of one step: accum x batch x context.)";

// Options that a checkpoint keeps too: which of them were given is noted.
template <class Value>
CLI::Option* add_setting(CLI::App& command, const std::shared_ptr<Options>& options, const char* field, Value& value,
                         const std::string& what, const char* type) {
  return command
      .add_option_function<Value>(
          run::option_name(field),
          [options, field, &value](const Value& given) {
            value = given;
            options->run.given.insert(field);
          },
          what)
      ->type_name(type)
      ->default_str(fmt::format("{}", value));
}

void add_settings(CLI::App& command, const std::shared_ptr<Options>& options) {
  run::TrainSettings& s = options->run.settings;
  const auto count = [&](const char* field, int64_t& value, const std::string& what) {
    add_setting(command, options, field, value, what, "N");
  };
  const auto number = [&](const char* field, double& value, const std::string& what) {
    add_setting(command, options, field, value, what, "NUMBER");
  };
  count("steps", s.steps, "Steps of the optimizer, in all");
  count("batch", s.batch, "Windows of one pass");
  count("context", s.context, "Tokens of a window; 0: what the model takes");
  count("accum", s.accum, "Passes whose gradients make one step");
  number("lr", s.lr, "Learning rate at its highest");
  add_setting(command, options, "schedule", s.schedule, "After the warm-up: cosine, linear or constant", "NAME");
  count("warmup", s.warmup, "Steps in which the learning rate rises; -1: a twentieth, 1000 at most");
  number("min_lr", s.min_lr, "Where the schedule ends, as a share of --lr");
  add_setting(command, options, "scale_lr", s.scale_lr, "The learning rate by --accum: none, linear or sqrt", "NAME");
  number("beta1", s.beta1, "Of AdamW");
  number("beta2", s.beta2, "Of AdamW");
  number("weight_decay", s.weight_decay, "Of AdamW, for matrices");
  number("clip", s.clip, "The gradients' norm at most; 0: any");
  count("seed", s.seed, "Of the first weights, the order of the data and the samples");
  count("eval_every", s.eval_every, "Steps; 0: a twentieth of all, 250 at most");
  count("eval_windows", s.eval_windows, "Windows of one evaluation; 0: all of the validation part");
  count("save_every", s.save_every, "Steps; 0: a tenth of all, 500 at most");
  count("keep", s.keep, "Checkpoints that are kept, beside the best");
  add_setting(command, options, "precision", s.precision,
              "Of what products multiply: f32, or bf16 (weights and the optimizer stay f32)", "NAME");
  command.add_flag_callback(
      "--recompute",
      [options] {
        options->run.settings.recompute = true;
        options->run.given.insert("recompute");
      },
      "Compute activations again on the way back: less memory, more time, the same bits");
}

void add_contrastive(CLI::App& command, const std::shared_ptr<Options>& options) {
  constexpr const char* kGroup = "Embedding models (--contrastive)";
  run::ContrastiveOptions& p = options->pairs;
  const auto text = [&](const char* name, std::string& value, const char* what, const char* type) {
    command.add_option(name, value, what)->type_name(type)->group(kGroup);
  };
  text("--contrastive", p.pairs, "Pairs of texts: JSON lines, or columns with a tab between them", "FILE");
  text("--validation-pairs", p.validation_pairs, "The same, to validate on", "FILE");
  const auto setting = [&](const char* field, auto& value, const char* what, const char* type) {
    add_setting(command, options, field, value, what, type)->group(kGroup);
  };
  setting("anchor", p.fields.anchor, "Of JSON lines, the field of a text", "NAME");
  setting("positive", p.fields.positive, "The field of the text that belongs to it", "NAME");
  setting("negative", p.fields.negative, "The field of one that does not, where there is one", "NAME");
  setting("temperature", p.temperature, "Cosines are divided by it", "NUMBER");
  setting("validation", p.validation, "Share of the pairs to validate on, 1,000 pairs at most", "NUMBER");
}

}  // namespace

void add_train(CLI::App& lathe, Command& chosen) {
  CLI::App* command =
      lathe.add_subcommand("train", "Train a small language model on token ids, or an encoder on pairs of texts");
  auto options = std::make_shared<Options>();
  run::TrainOptions& r = options->run;
  std::string presets;
  for (const std::string_view name : models::train_presets())
    presets += (presets.empty() ? "" : ", ") + std::string(name);
  command->add_option("-m,--model", r.model, "A JSON file, or one of " + presets)->type_name("MODEL");
  command
      ->add_option(
          "--init", r.init,
          "Begin with the weights of this model (a folder, a name in the Hugging Face cache; of a decoder GGUF "
          "and llama2.c's .bin too); instead of --model")
      ->type_name("MODEL");
  command->add_option("-d,--data", r.data, "A shard of 'lathe data build', or a .bin file of llama2.c")
      ->type_name("FILE");
  command->add_option("--validation-data", r.validation_data, "The same, to validate on; else the shard's own part")
      ->type_name("FILE");
  command->add_option("--tokenizer", r.tokenizer, "Of data that carry none")->type_name("PATH");
  command->add_option("-o,--output", r.output, "The run's folder")->type_name("RUN");
  command->add_option("--resume", r.resume, "Go on with this run, or from this checkpoint")->type_name("RUN");
  add_contrastive(*command, options);
  add_settings(*command, options);
  command->add_option("--sample-every", r.sample_every, "Steps between samples of text; 0: none")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--sample-tokens", r.sample_tokens, "Tokens of a sample")->type_name("N")->capture_default_str();
  command->add_option("--ranges-every", r.ranges_every, "Steps between looks at the range of activations; 0: none")
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--tensorboard", r.tensorboard, "Write TensorBoard's event files too, in RUN/tensorboard");
  command->add_option("--prompt", r.prompt, "What samples begin with")->type_name("TEXT");
  command->add_option("--threads", r.threads, "0: what the machine recommends; the bits are the same with any number")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--log-every", options->log_every, "Steps between lines where output is no terminal; 0: 20 in all")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--ranks", options->ranks,
                   "Processes that mpirun started train together: auto, none, openmpi or mpich")
      ->type_name("NAME")
      ->capture_default_str();
  command
      ->add_option("--reduce", options->reduce,
                   "Gradients of several ranks are added in the order of one process, or fast")
      ->type_name("order|fast")
      ->capture_default_str();
  command->add_flag("--no-ceiling", options->no_ceiling, "Do not measure what the machine can do before the start");
  command->add_flag("--dry-run", options->dry, "Say what it would be, and what memory it takes, and end");
  command->add_flag("-q,--quiet", options->quiet, "Nothing but warnings and errors");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return train(*options); }; });
}

}  // namespace lathe::cli
