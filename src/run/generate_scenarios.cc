#include "run/generate_scenarios.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "platform/clock.h"
#include "platform/process_memory.h"
#include "run/answering.h"

namespace lathe::run {
namespace {

// Answers of the sweep begin anew behind so many tokens, so that attention has about the same to do in every step.
constexpr int64_t kSweepTokens = 64;
constexpr int64_t kSoakTexts = 8, kSoakLongest = 64;

void summarize(GenerateReport& report) {
  const std::vector<double>& all = report.tokens_per_s;
  const auto count = static_cast<double>(all.size());
  double squares = 0;
  for (const double value : all) report.mean += value / count;
  for (const double value : all) squares += (value - report.mean) * (value - report.mean);
  report.deviation = all.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  report.median = quantiles(all).p50;
}

// Answers that never end: each step is of one token of every text.
class EndlessAnswers {
 public:
  EndlessAnswers(Generator& generator, int64_t texts) : generator_(generator), texts_(texts) {}
  Status begin() {
    if (answering_)
      if (Status status = answering_->end(); !status.ok()) return status;
    auto begun = Answering::begin(generator_, texts_, kSweepTokens, ++seed_);
    if (!begun) return begun.status();
    answering_.emplace(std::move(*begun));
    left_ = kSweepTokens;
    return {};
  }
  Status step() {
    if (left_ == 0)
      if (Status status = begin(); !status.ok()) return status;
    --left_;
    return answering_->step();
  }
  Status end() { return answering_->end(); }

 private:
  Generator& generator_;
  int64_t texts_, left_ = 0;
  uint64_t seed_ = 0;
  std::optional<Answering> answering_;
};

Result<SweepRow> sweep_answers(Generator& generator, int64_t texts, double seconds) {
  EndlessAnswers answers(generator, texts);
  auto row = sweep_pass(
      [&](ops::Dispatch way) {
        generator.decoder().set_dispatch(way);
        return answers.step();
      },
      seconds);
  if (!row) return row;
  row->texts = row->tokens = texts;
  if (Status status = answers.end(); !status.ok()) return status;
  return row;
}

Result<SweepRow> sweep_prompt(Generator& generator, int64_t tokens, double seconds) {
  uint64_t seed = 0;
  auto row = sweep_pass(
      [&](ops::Dispatch way) {
        generator.decoder().set_dispatch(way);
        return time_generation(generator, {.tokens = tokens}, ++seed).status();
      },
      seconds);
  if (!row) return row;
  row->texts = 1;
  row->tokens = tokens;
  return row;
}

}  // namespace

Result<GenerateReport> bench_generation(Generator& generator, const GenerateTest& test,
                                        const GenerateBenchOptions& options) {
  if (options.runs < 1)
    return invalid_argument("the runs of a test are " + std::to_string(options.runs) + ", needed: 1 or more");
  GenerateReport report;
  report.test = test;
  std::vector<double> steps;
  double wall = 0, cpu = 0, passes = 0;
  for (int64_t i = 0; i <= options.runs; ++i) {
    const auto times = time_generation(generator, test, static_cast<uint64_t>(i));
    if (!times) return times.status();
    if (i == 0) continue;
    report.tokens_per_s.push_back(times->tokens_per_s());
    for (const double ns : times->step_ns) steps.push_back(ns / 1e6);
    wall += times->wall_ns;
    cpu += times->cpu_ns;
    passes = static_cast<double>(times->step_ns.size());
  }
  summarize(report);
  report.step_ms = quantiles(std::move(steps));
  report.cpu_share = cpu / (wall * options.threads);

  const auto profiled = time_generation(generator, test, static_cast<uint64_t>(options.runs) + 1, &report.profile);
  if (!profiled) return profiled.status();
  report.calls_ns = profiled->wall_ns;
  const double median_ns = static_cast<double>(profiled->tokens) / report.median * 1e9;
  report.gflops = report.flops() / median_ns;
  if (test.kind == GenerateTest::Kind::answer)  // of a prompt's passes only the last has a use for the head
    report.weight_gbps = passes * static_cast<double>(generator.decoder().weights().product_bytes()) / median_ns;
  return report;
}

Result<std::vector<SweepRow>> sweep_generation(Generator& generator, const std::vector<int64_t>& texts, int64_t prompt,
                                               double seconds) {
  std::vector<SweepRow> rows;
  for (size_t i = 0; i <= texts.size(); ++i) {
    const auto row =
        i < texts.size() ? sweep_answers(generator, texts[i], seconds) : sweep_prompt(generator, prompt, seconds);
    generator.decoder().set_dispatch(ops::Dispatch::model);
    if (!row) return row.status();
    rows.push_back(*row);
  }
  return rows;
}

Result<SoakReport> soak(Generator& generator, int64_t tokens) {
  SoakReport report = {.warm = std::max<int64_t>(1, tokens / 10)};
  const int64_t longest = std::min(kSoakLongest, (generator.context() - 1) / 2), began = now_ns();
  if (longest < 1)
    return invalid_argument("the context is " + std::to_string(generator.context()) + " tokens, needed: 3 or more");
  int64_t done = 0, live = 0;
  uint64_t started = 0;
  Status ended;
  while (done < tokens || live > 0) {
    for (; done < tokens && live < kSoakTexts; ++live, ++started) {
      const auto length = static_cast<int64_t>(started * 37 % static_cast<uint64_t>(longest)) + 1;
      const auto session = generator.start(random_tokens(generator, length, started),
                                           random_answer(generator, longest + 1 - length, started));
      if (!session) return session.status();
    }
    const bool warm_before = done >= report.warm;
    const Status status = generator.step([&](const SessionEvent& event) {
      if (event.token >= 0) ++done;
      if (event.finish == Finish::none) return;
      --live;
      if (!event.status.ok()) ended = event.status;
    });
    if (!status.ok()) return status;
    if (!ended.ok()) return ended;
    if (warm_before || done < report.warm) continue;
    if (const auto memory = process_memory()) report.warm_bytes = memory->resident();
  }
  report.done = done;
  if (const auto memory = process_memory()) report.end_bytes = memory->resident();
  report.seconds = static_cast<double>(now_ns() - began) / 1e9;
  return report;
}

}  // namespace lathe::run
