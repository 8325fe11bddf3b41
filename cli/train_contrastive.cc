#include "train_contrastive.h"

#include <fmt/format.h>

#include <cstdio>

#include "stop_signal.h"
#include "train_display.h"
#include "train_text.h"

namespace lathe::cli {
namespace {

constexpr const char* kStopping =
    "\nlathe: ending after what is being computed; the state is saved (a second signal ends at once)\n";

std::string plan_text(const run::ContrastivePlan& p, const std::string& folder) {
  const models::BertConfig& c = p.config;
  const run::TrainSettings& s = p.settings;
  std::string text = fmt::format(
      "encoder: {} parameters, width {}, {} layers, {} heads, intermediate {}, vocabulary {}\n",
      count_text(static_cast<double>(p.parameters)), c.width, c.layers, c.heads, c.intermediate, c.vocabulary);
  text += fmt::format("pairs: {} to train on, {} to validate on; {:.1f} tokens a text, {} at most\n", p.train_pairs,
                      p.validation_pairs, p.mean_tokens, s.context);
  text += fmt::format("run: {} steps of {} x {} pairs, learning rate {:g}, {}, {} thread{}; {:.0f} MiB of memory\n",
                      s.steps, s.accum, s.batch, s.lr, s.schedule, p.threads, p.threads == 1 ? "" : "s",
                      static_cast<double>(p.memory.total()) / (1 << 20));
  text += fmt::format("folder: {}", folder);
  if (!p.resumed.empty()) text += fmt::format(", from {} at step {}", p.resumed, p.state.step);
  return text + "\n";
}

}  // namespace

Status train_contrastive(const run::ContrastiveOptions& options, const ContrastiveDisplay& display) {
  auto run = run::ContrastiveRun::open(options);
  if (!run) return run.status();
  const run::ContrastivePlan& plan = (*run)->plan();
  for (const std::string& note : plan.notes) fmt::print(stderr, "note: {}\n", note);
  if (!display.quiet) fmt::print("{}", plan_text(plan, (*run)->folder()));
  std::fflush(stdout);
  if (display.dry) return {};
  stop_on_signals(kStopping);
  TrainDisplay shown(plan.state.step, plan.settings.steps, display.log_every, display.quiet);
  const auto end = (*run)->run({.watch = [&](const run::TrainEvent& event) { shown.add(event); },
                                .idle = [&] { shown.idle(); },
                                .stop = stop_asked});
  shown.clear();
  if ((*run)->dropped() > 0)
    fmt::print(stderr, "note: {} events found no room in the log's or the display's queue\n", (*run)->dropped());
  if (!end) return end.status();
  const bool stopped = *end == run::ContrastiveTrainer::End::stopped;
  if (stopped && !display.quiet) fmt::print("stopped; go on with: lathe train --resume {}\n", (*run)->folder());
  if (stopped) return failed("stopped by a signal; what was reached is saved");
  const std::string model =
      (*run)->folder() + "/" + (plan.validation_pairs > 0 ? "best" : fmt::format("step-{:08}", plan.settings.steps));
  if (!display.quiet) fmt::print("finished; try it: lathe embed -m {} \"...\"\n", model);
  return {};
}

}  // namespace lathe::cli
