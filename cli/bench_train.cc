// lathe bench train: steps of a model that learns, on random tokens: how long they take, and what of it is where.
#include "bench_train.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/shown.h"
#include "bench_train_turns.h"
#include "models/train_encoder_config.h"
#include "models/train_model.h"
#include "platform/clock.h"
#include "platform/machine.h"
#include "sample/random.h"
#include "tune/ceilings.h"

namespace lathe::cli {
namespace {

struct BenchTrainOptions {
  std::string model = "stories15m";
  int64_t windows = 8, length = 256, steps = 5, vocabulary = 65;
  int64_t pairs = 0;  // an encoder's, whose texts are at most `windows` of `length` together
  int threads = 0;
  std::string precision = "f32";
  bool recompute = false, interactive = false, negatives = false;
};

struct Times {
  std::vector<double> backward, update;  // ns of each step
  double median(std::vector<double> Times::*which) const {
    std::vector<double> sorted = this->*which;
    std::ranges::nth_element(sorted, sorted.begin() + std::ssize(sorted) / 2);
    return sorted[sorted.size() / 2];
  }
};

std::vector<int32_t> random_ids(const BenchTrainOptions& o, int64_t vocabulary, uint64_t seed) {
  std::vector<int32_t> ids(static_cast<size_t>(o.windows * o.length));
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<int32_t>(sample::random_below(seed, i, static_cast<uint64_t>(vocabulary)));
  return ids;
}

// One step that is not counted, and o.steps that are.
Result<Times> time_steps(models::TrainModel& model, const BenchTrainOptions& o, ops::Profile& profile) {
  const int64_t vocabulary = model.config().vocabulary;
  Times times;
  for (int64_t step = 0; step <= o.steps; ++step) {
    const auto inputs = random_ids(o, vocabulary, static_cast<uint64_t>(2 * step));
    const auto targets = random_ids(o, vocabulary, static_cast<uint64_t>(2 * step + 1));
    if (step == 1) model.set_profile(&profile);
    const int64_t begun = now_ns();
    const auto loss = model.backward({inputs, targets, o.windows, o.length}, false, 1);
    if (!loss) return loss.status();
    const int64_t computed = now_ns();
    model.update({.rate = 1e-3}, step + 1);
    if (step == 0) continue;
    times.backward.push_back(static_cast<double>(computed - begun));
    times.update.push_back(static_cast<double>(now_ns() - computed));
  }
  model.set_profile(nullptr);
  return times;
}

std::string memory_text(const models::TrainModel::Memory& m) {
  const auto mib = [](int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  return fmt::format(
      "memory: {:.0f} MiB: weights {:.0f}, gradients {:.0f}, moments {:.0f}, activations {:.0f}, logits {:.0f}, "
      "workspace {:.0f}\n",
      mib(m.total()), mib(m.weights), mib(m.gradients), mib(m.moments), mib(m.activations), mib(m.logits),
      mib(m.workspace));
}

std::string profile_text(const ops::Profile& profile, int64_t steps, double ceiling) {
  std::vector<ops::Profile::Entry> entries(profile.entries().begin(), profile.entries().end());
  std::ranges::sort(entries, std::ranges::greater(), &ops::Profile::Entry::ns);
  const auto total = static_cast<double>(profile.total_ns());
  std::string text = fmt::format("\n{:<32}{:>10}{:>9}{:>12}{:>10}\n", "op", "ms", "share", "GFLOP/s", "ceiling");
  for (const auto& e : entries) {
    const auto ns = static_cast<double>(e.ns);
    fmt::format_to(std::back_inserter(text), "{:<32}{:>10.2f}{:>8.1f}%", e.name, ns / 1e6 / static_cast<double>(steps),
                   100 * ns / total);
    if (e.flops > 0)
      fmt::format_to(std::back_inserter(text), "{:>12.1f}{:>9.0f}%", e.flops / ns, 100 * e.flops / ns / ceiling);
    text += '\n';
  }
  return text + fmt::format("unaccounted {:.2f}%\n", 100 * static_cast<double>(profile.unaccounted_ns()) / total);
}

Result<tune::Ceilings> ceilings_of(Team& team) {
  tune::CeilingOptions options;
  if (this_machine().l3.bytes > 0) options.last_cache_bytes = this_machine().l3.bytes;
  options.available_bytes = this_machine().memory_available;
  return tune::measure_ceilings(team, options);
}

Status report(models::TrainModel& model, const models::TrainModel::Memory& memory, Team& team,
              const BenchTrainOptions& o) {
  ops::Profile profile;
  const auto times = time_steps(model, o, profile);
  if (!times) return times.status();
  const auto ceilings = ceilings_of(team);
  if (!ceilings) return ceilings.status();
  const double backward = times->median(&Times::backward), update = times->median(&Times::update);
  const auto tokens = static_cast<double>(o.windows * o.length);
  const tune::Rate& most = o.precision == "bf16" ? ceilings->bf16 : ceilings->fma;
  const double rate = model.flops(o.windows, o.length) / (backward + update);
  const double bytes =
      28 * static_cast<double>(model.weights().size()) + 4 * static_cast<double>(model.weights().size());
  fmt::print("{}: {} weights, {} windows of {} tokens, {} threads\n", o.model, model.weights().size(), o.windows,
             o.length, team.size());
  fmt::print("{}", memory_text(memory));
  fmt::print("{:.0f} tokens/s: {:.1f} ms forward and backward, {:.1f} ms update (medians of {})\n",
             tokens / (backward + update) * 1e9, backward / 1e6, update / 1e6, o.steps);
  fmt::print(
      "{:.1f} GFLOP/s, {:.0f}% of the ceiling of {:.1f}; update {:.1f} GB/s with the norm, {:.0f}% of {:.1f} read\n",
      rate, 100 * rate / most.giga, most.giga, bytes / update, 100 * bytes / update / ceilings->read.giga,
      ceilings->read.giga);
  fmt::print("{}", profile_text(profile, o.steps, most.giga));
  return {};
}

Status answer_about_encoder(const BenchTrainOptions& o) {
  const auto description = models::read_encoder_description(o.model, o.vocabulary);
  if (!description) return description.status();
  const auto team = Team::create({.threads = o.threads});
  if (!team) return team.status();
  const models::TrainEncoder::Options options = {o.pairs, o.windows * o.length, o.length, o.negatives};
  const auto memory = models::TrainEncoder::memory(description->bert, options, (*team)->size());
  if (!memory) return memory.status();
  const auto model = models::TrainEncoder::create(description->bert, options, **team);
  if (!model) return model.status();
  return take_turns(**model, *memory);
}

Status bench_train(const BenchTrainOptions& o) {
  if (o.pairs > 0 && o.interactive) return answer_about_encoder(o);
  auto config = models::read_train_config(o.model);
  if (!config) return config.status();
  if (config->vocabulary == 0) config->vocabulary = o.vocabulary;
  if (o.steps < 1) return invalid_argument(fmt::format("--steps is {}, needed: 1 or more", o.steps));
  const auto team = Team::create({.threads = o.threads});
  if (!team) return team.status();
  if (o.precision != "f32" && o.precision != "bf16")
    return invalid_argument("--precision is " + shown(o.precision) + ", needed: f32 or bf16");
  const models::TrainModel::Options options = {
      .windows = o.windows, .length = o.length, .recompute = o.recompute, .bf16 = o.precision == "bf16"};
  const auto memory = models::TrainModel::memory(*config, options, (*team)->size());
  if (!memory) return memory.status();
  const auto model = models::TrainModel::create(*config, options, **team);
  if (!model) return model.status();
  (*model)->initialize(1);
  return o.interactive ? take_turns(**model, *memory) : report(**model, *memory, **team, o);
}

}  // namespace

void add_bench_train(CLI::App& bench, Command& chosen) {
  CLI::App* command = bench.add_subcommand("train", "Time the steps of a model that learns, on random tokens");
  auto options = std::make_shared<BenchTrainOptions>();
  command->add_option("-m,--model", options->model, "A preset, or a JSON file that describes the model")
      ->capture_default_str();
  command->add_option("--windows", options->windows, "Windows of a step")->capture_default_str();
  command->add_option("--length", options->length, "Tokens of a window")->capture_default_str();
  command->add_option("--vocabulary", options->vocabulary, "Of a model that leaves it to its data")
      ->capture_default_str();
  command->add_option("--steps", options->steps, "Behind one that is not counted")->capture_default_str();
  command->add_option("--threads", options->threads, "0: what the machine recommends")->capture_default_str();
  command->add_option("--precision", options->precision, "Of what products multiply: f32 or bf16")
      ->capture_default_str();
  command->add_flag("--recompute", options->recompute, "Compute activations again on the way back");
  command->add_option("--pairs", options->pairs, "With --interactive: of an encoder, which the model then is")
      ->group("");
  command->add_flag("--negatives", options->negatives, "Each pair has one")->group("");
  command->add_flag("--interactive", options->interactive, "Answer requests on standard input, one JSON a line")
      ->group("");
  command->callback([options, &chosen] { chosen = [options] { return bench_train(*options); }; });
}

}  // namespace lathe::cli
