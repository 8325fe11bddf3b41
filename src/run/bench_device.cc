#include "run/bench_device.h"

#include <algorithm>

#include "base/checked.h"
#include "platform/clock.h"
#include "run/answering.h"
#include "run/time_calls.h"

namespace lathe::run {
namespace {

// Tokens of an answer in the sweep: few, so that attention has about the same to do for each, and whole queues.
constexpr int64_t kSweepTokens = 4 * models::DeviceDecoder::kQueued;

struct Answers {
  const char* name;
  float temperature, repetition_penalty;
};
constexpr Answers kGreedy = {"", 0.0f, 1.0f}, kDrawn = {" drawn", 1.0f, 1.0f}, kPenalized = {" penalized", 1.0f, 1.1f};

SessionOptions plain_answer(int64_t tokens, const Answers& answers) {
  SessionOptions options;
  options.max_tokens = tokens;
  options.stop_at_end = false;
  options.sampling.temperature = answers.temperature;
  options.sampling.repetition_penalty = answers.repetition_penalty;
  return options;
}

// Steps until the session has ended; what came, is its events'.
Status go_on(Generator& generator, const Generator::Each& each) {
  Status ended;
  while (generator.busy()) {
    const Status status = generator.step([&](const SessionEvent& event) {
      if (event.finish != Finish::none) ended = event.status;
      each(event);
    });
    if (!status.ok()) return status;
  }
  return ended;
}

struct Timed {
  double ns = 0;
  int64_t tokens = 0, submissions = 0;
};

Result<Timed> time_prompt(Generator& generator, int64_t tokens, uint64_t seed) {
  const int64_t before = generator.device()->submissions(), began = now_ns();
  const auto session = generator.start(random_tokens(generator, tokens, seed), {.max_tokens = 0});
  if (!session) return session.status();
  if (Status s = go_on(generator, [](const SessionEvent&) {}); !s.ok()) return s;
  return Timed{static_cast<double>(now_ns() - began), tokens, generator.device()->submissions() - before};
}

// Texts that answer, up to the step in which the last of them has its first token.
Status begin_answers(Generator& generator, int64_t texts, const SessionOptions& options, uint64_t seed) {
  std::vector<int64_t> waiting;
  for (int64_t i = 0; i < texts; ++i) {
    const uint64_t own = seed * 1000 + static_cast<uint64_t>(i);
    const auto session = generator.start(random_tokens(generator, Answering::kPrompt, own), options);
    if (!session) return session.status();
    waiting.push_back(*session);
  }
  while (!waiting.empty()) {
    Status ended;
    const Status status = generator.step([&](const SessionEvent& event) {
      std::erase(waiting, event.session);
      if (!event.status.ok()) ended = event.status;
    });
    if (!status.ok()) return status;
    if (!ended.ok()) return ended;
  }
  return {};
}

// From there on: the tokens before and the prompts are not counted.
Result<Timed> time_answers(Generator& generator, int64_t texts, int64_t tokens, const Answers& answers, uint64_t seed) {
  if (Status s = begin_answers(generator, texts, plain_answer(tokens, answers), seed); !s.ok()) return s;
  Timed timed;
  const int64_t before = generator.device()->submissions(), began = now_ns();
  const Status rest =
      go_on(generator, [&timed](const SessionEvent& event) { timed.tokens += event.token >= 0 ? 1 : 0; });
  if (!rest.ok()) return rest;
  timed.ns = static_cast<double>(now_ns() - began);
  timed.submissions = generator.device()->submissions() - before;
  return timed;
}

template <class Run>
Result<DeviceTest> repeat(std::string name, int64_t runs, const Run& run) {
  DeviceTest test;
  test.name = std::move(name);
  for (int64_t i = 0; i <= runs; ++i) {
    const Result<Timed> timed = run(static_cast<uint64_t>(i));
    if (!timed) return timed.status();
    if (timed->tokens == 0)
      return invalid_argument(test.name + ": nothing is left to time, needed: more tokens of an answer");
    test.tokens = timed->tokens;
    test.submissions_per_token = static_cast<double>(timed->submissions) / static_cast<double>(timed->tokens);
    if (i > 0) test.tokens_per_s.push_back(static_cast<double>(timed->tokens) / timed->ns * 1e9);
  }
  test.median = quantiles(test.tokens_per_s).p50;
  return test;
}

Result<SweepRow> sweep(Generator& generator, double seconds) {
  uint64_t seed = 0;
  auto row = sweep_pass(
      [&](ops::Dispatch way) {
        generator.set_dispatch(way);
        return time_answers(generator, 1, kSweepTokens, kGreedy, ++seed).status();
      },
      seconds);
  generator.set_dispatch(ops::Dispatch::model);
  if (!row) return row;
  row->texts = 1;
  row->tokens = kSweepTokens;
  return row;
}

Result<DeviceTest> bench_answers(Generator& generator, const DeviceBenchOptions& o, int64_t texts,
                                 const Answers& answers) {
  const std::string at_once = texts > 1 ? "@b" + std::to_string(texts) : "";
  auto test = repeat("tg" + std::to_string(o.tokens) + at_once + answers.name, o.runs,
                     [&](uint64_t seed) { return time_answers(generator, texts, o.tokens, answers, seed); });
  if (!test) return test;
  test->texts = texts;
  const int64_t reads = ceil_div(texts, models::DeviceDecoder::kMostTexts);  // for a token of each
  const auto bytes = static_cast<double>(reads * generator.decoder().weights().product_bytes());
  test->weight_gbps = bytes * test->median / static_cast<double>(texts) / 1e9;
  return test;
}

}  // namespace

Result<DeviceBenchReport> bench_on_device(Generator& generator, const DeviceBenchOptions& o) {
  if (generator.device() == nullptr) return invalid_argument("the model is on the CPU, needed: on a device");
  if (o.runs < 1) return invalid_argument("the runs of a test are " + std::to_string(o.runs) + ", needed: 1 or more");
  DeviceBenchReport report;
  const auto add = [&](Result<DeviceTest> test) {
    if (test) report.tests.push_back(std::move(*test));
    return test.status();
  };
  if (o.prompt > 0)
    if (Status s = add(repeat("pp" + std::to_string(o.prompt), o.runs,
                              [&](uint64_t seed) { return time_prompt(generator, o.prompt, seed); }));
        !s.ok())
      return s;
  for (const int64_t texts : o.tokens > 0 ? o.texts : std::vector<int64_t>())
    for (const Answers& answers : {kGreedy, kDrawn, kPenalized})
      if (Status s = add(bench_answers(generator, o, texts, answers)); !s.ok()) return s;
  auto row = sweep(generator, o.seconds);
  if (!row) return row.status();
  report.sweep = *row;
  return report;
}

}  // namespace lathe::run
