// lathe bench embed: what a model does with texts of several lengths, from texts to vectors.
#include "bench_embed.h"

#include <fmt/format.h>

#include <memory>

#include "base/shown.h"
#include "bench_embed_device.h"
#include "bench_embed_report.h"
#include "bench_embed_turns.h"
#include "cache_path.h"
#include "device_option.h"
#include "hub_path.h"
#include "models/toy_encoder.h"
#include "platform/clock.h"
#include "progress.h"
#include "run/stored_type.h"

namespace lathe::cli {
namespace {

struct BenchEmbedOptions {
  run::EmbedderOptions embedder;
  std::string dtype = "f32", dispatch = "model", device = "cpu";
  std::vector<std::string> scenarios;
  double seconds = 2;
  int64_t soak = 0;
  bool interactive = false, json = false, sweep = false, no_start = false;
};

Result<matmul::Type> type_of(const std::string& name) {
  if (const auto type = run::stored_type_named(name)) return *type;
  return invalid_argument("--dtype is " + shown(name) + ", needed: " + run::stored_type_names());
}

Result<ops::Dispatch> dispatch_of(const std::string& name) {
  if (name == "model") return ops::Dispatch::model;
  if (name == "layer") return ops::Dispatch::layer;
  if (name == "op") return ops::Dispatch::op;
  return invalid_argument("--dispatch is " + shown(name) + ", needed: op, layer or model");
}

Result<std::vector<run::Scenario>> chosen_scenarios(const std::vector<std::string>& names) {
  std::vector<run::Scenario> all = run::bench_scenarios(), chosen;
  if (names.empty()) return all;
  for (const std::string& name : names) {
    bool found = false;
    std::string known;
    for (const run::Scenario& s : all) {
      known += (known.empty() ? "" : ", ") + s.name;
      if (s.name == name) chosen.push_back(s);
      found = found || s.name == name;
    }
    if (!found) return invalid_argument("--scenario is " + shown(name) + ", needed: one of " + known);
  }
  return chosen;
}

Status check_numbers(const BenchEmbedOptions& o) {
  if (!(o.seconds > 0 && o.seconds <= 3600))
    return invalid_argument(fmt::format("--seconds is {}, needed: above 0, at most 3600", o.seconds));
  if (o.soak < 0) return invalid_argument(fmt::format("--soak is {}, needed: at least 1", o.soak));
  return {};
}

// What the benchmark of the CPU has and that of a device has not.
Status check_device_options(const BenchEmbedOptions& o) {
  const auto no = [&](const char* option) {
    return invalid_argument(fmt::format(
        "{} with --device {}: there is none for devices, needed: the command without it", option, o.device));
  };
  if (o.soak > 0) return no("--soak");
  if (o.interactive) return no("--interactive");
  if (o.sweep && o.dispatch != "model") return no("--dispatch with --dispatch-sweep");
  return {};
}

Status add_embed_starts(const BenchEmbedOptions& o, EmbedReport& report) {
  return add_starts(o.embedder.model, o.embedder.hub,
                    {"embed", "-m", o.embedder.model, "--dtype", o.dtype, "--threads",
                     std::to_string(o.embedder.threads), "The river carries water to the sea."},
                    report);
}

Status add_scenarios(run::Embedder& embedder, const std::vector<run::Scenario>& scenarios, double seconds,
                     EmbedReport& report) {
  Progress progress;
  for (const run::Scenario& scenario : scenarios) {
    progress.show(static_cast<int64_t>(report.scenarios.size()), static_cast<int64_t>(scenarios.size()), scenario.name);
    auto row = run::bench_scenario(embedder, scenario, {.seconds = seconds, .threads = report.threads});
    if (!row) return row.status();
    report.scenarios.push_back(std::move(*row));
  }
  return {};
}

Status add_sweep(run::Embedder& embedder, double seconds, EmbedReport& report) {
  auto toy = models::ToyEncoder::create({}, embedder.team());
  if (!toy) return toy.status();
  const std::vector<run::SweepBatch> batches = {{1, 12}, {1, 52}, {1, 256}, {96, 12}};
  const std::pair<std::string, models::Encoder*> encoders[] = {{"model", &embedder.encoder()},
                                                               {"toy", &(*toy)->encoder()}};
  for (const auto& [name, encoder] : encoders) {
    const auto rows = run::sweep_dispatch(*encoder, batches, seconds / 2);
    if (!rows) return rows.status();
    for (const run::SweepRow& row : *rows) report.sweep.emplace_back(name, row);
  }
  return {};
}

// Opens the model and embeds one text: what is resident then is what an idle process has.
Result<run::Embedder> open_idle(const BenchEmbedOptions& o, EmbedReport& report) {
  const int64_t began = now_ns();
  auto embedder = run::Embedder::open(o.embedder);
  if (!embedder) return embedder;
  report.open_ms = static_cast<double>(now_ns() - began) / 1e6;
  const std::string_view texts[] = {"The river carries water to the sea."};
  if (Status s = embedder->embed(texts, [](const run::Embedding& e) { return e.status; }); !s.ok()) return s;
  note_idle(report);
  return embedder;
}

Status measure(const BenchEmbedOptions& o, const std::vector<run::Scenario>& scenarios, ops::Dispatch dispatch,
               EmbedReport& report) {
  if (!o.no_start)
    if (Status s = add_embed_starts(o, report); !s.ok()) return s;
  auto embedder = open_idle(o, report);
  if (!embedder) return embedder.status();
  report.threads = embedder->team().size();
  report.dim = embedder->dim();
  if (o.soak > 0) {
    const auto soaked = run::soak(*embedder, o.soak);
    if (!soaked) return soaked.status();
    report.soak = *soaked;
  } else {
    embedder->encoder().set_dispatch(dispatch);
    if (Status s = add_scenarios(*embedder, scenarios, o.seconds, report); !s.ok()) return s;
  }
  note_peak(report);
  if (o.sweep)
    if (Status s = add_sweep(*embedder, o.seconds, report); !s.ok()) return s;
  return add_ceilings(embedder->team(), embedder->stored(), report);
}

Status bench_embed(BenchEmbedOptions o) {
  const auto type = type_of(o.dtype);
  if (!type) return type.status();
  const auto dispatch = dispatch_of(o.dispatch);
  if (!dispatch) return dispatch.status();
  const auto scenarios = chosen_scenarios(o.scenarios);
  if (!scenarios) return scenarios.status();
  if (Status s = check_numbers(o); !s.ok()) return s;
  o.embedder.stored = *type;
  o.embedder.hub = hub_path();
  o.embedder.cache = cache_options("");
  if (Status s = set_device(o.device, o.embedder); !s.ok()) return s;
  o.embedder.dispatch = *dispatch;
  if (o.embedder.device) {
    if (Status s = check_device_options(o); !s.ok()) return s;
    return bench_embed_device(o.embedder, *scenarios, {.seconds = o.seconds, .sweep = o.sweep}, o.json);
  }
  if (o.interactive) {
    auto embedder = run::Embedder::open(o.embedder);
    return embedder ? take_turns(*embedder) : embedder.status();
  }
  EmbedReport report;
  report.model = o.embedder.model;
  report.dtype = o.dtype;
  report.dispatch = o.dispatch;
  begin_bench(report);
  if (Status s = measure(o, *scenarios, *dispatch, report); !s.ok()) return s;
  fmt::print("{}", o.json ? report_json(report) : report_text(report));
  return {};
}

}  // namespace

void add_bench_embed(CLI::App& bench, Command& chosen) {
  CLI::App* command = bench.add_subcommand("embed", "Time a model's embeddings, from texts to vectors");
  auto options = std::make_shared<BenchEmbedOptions>();
  command->add_option("-m,--model", options->embedder.model, "A model's folder or file, or its Hugging Face name")
      ->required();
  command
      ->add_option("--dtype", options->dtype,
                   "How weights are kept: f32, bf16, f16, q8_0, q4_0, q8_a7, bf16_b16 or bf16_d16")
      ->capture_default_str();
  add_device_option(*command, options->device);
  command->add_option("--threads", options->embedder.threads, "0: what the machine recommends")->capture_default_str();
  command->add_option("--scenario", options->scenarios,
                      "Only these of short, long, words400, batch96_short, batch96_long, mixed");
  command->add_option("--seconds", options->seconds, "How long, for each scenario")->capture_default_str();
  command
      ->add_option("--dispatch", options->dispatch,
                   "Team or device are entered once for each op, layer or pass (model)")
      ->capture_default_str();
  command->add_flag("--dispatch-sweep", options->sweep,
                    "Compare the three, at this model and at a random one of 6 layers, 64 wide");
  command->add_option("--soak", options->soak, "Embed so many short texts instead, and see what memory does");
  command->add_flag("--no-start", options->no_start, "Leave out the starts of new processes");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--interactive", options->interactive, "Answer requests on standard input, one JSON a line")
      ->group("");
  command->callback([options, &chosen] { chosen = [options] { return bench_embed(*options); }; });
}

}  // namespace lathe::cli
