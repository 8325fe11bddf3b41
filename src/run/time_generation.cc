#include "run/time_generation.h"

#include "platform/clock.h"
#include "platform/thread_times.h"
#include "run/answering.h"

namespace lathe::run {
namespace {

template <class Step>
Status time_step(GenerateTimes& times, const Step& step) {
  const int64_t cpu = live_threads_cpu_ns(), wall = now_ns();
  Status status = step();
  const int64_t wall_end = now_ns(), cpu_end = live_threads_cpu_ns();
  times.step_ns.push_back(static_cast<double>(wall_end - wall));
  times.wall_ns += times.step_ns.back();
  times.cpu_ns += static_cast<double>(cpu_end - cpu);
  return status;
}

Status time_prompt(Generator& generator, const GenerateTest& test, uint64_t seed, GenerateTimes& times) {
  const auto session = generator.start(random_tokens(generator, test.tokens, seed), {.max_tokens = 0});
  if (!session) return session.status();
  Status ended;
  while (generator.busy()) {
    const Status status =
        time_step(times, [&] { return generator.step([&](const SessionEvent& event) { ended = event.status; }); });
    if (!status.ok()) return status;
  }
  times.tokens = test.tokens;
  return ended;
}

Status time_answers(Generator& generator, const GenerateTest& test, uint64_t seed, ops::Profile* profile,
                    GenerateTimes& times) {
  auto answering = Answering::begin(generator, test.texts, test.tokens, seed);
  if (!answering) return answering.status();
  generator.decoder().set_profile(profile);
  for (int64_t i = 0; i < test.tokens; ++i)
    if (Status status = time_step(times, [&] { return answering->step(); }); !status.ok()) return status;
  generator.decoder().set_profile(nullptr);
  times.tokens = test.tokens * test.texts;
  return answering->end();
}

}  // namespace

std::string GenerateTest::name() const {
  if (kind == Kind::prompt) return "pp" + std::to_string(tokens);
  return "tg" + std::to_string(tokens) + (texts > 1 ? "@b" + std::to_string(texts) : "");
}

Result<GenerateTimes> time_generation(Generator& generator, const GenerateTest& test, uint64_t seed,
                                      ops::Profile* profile) {
  if (test.tokens < 1 || test.tokens > generator.context() || test.texts < 1)
    return invalid_argument("the test is of " + std::to_string(test.tokens) + " tokens of " +
                            std::to_string(test.texts) + " texts, needed: 1 or more texts, and 1 to the context's " +
                            std::to_string(generator.context()) + " tokens");
  GenerateTimes times;
  const bool answers = test.kind == GenerateTest::Kind::answer;
  if (!answers) generator.decoder().set_profile(profile);
  const Status status =
      answers ? time_answers(generator, test, seed, profile, times) : time_prompt(generator, test, seed, times);
  generator.decoder().set_profile(nullptr);
  if (!status.ok()) return status;
  return times;
}

}  // namespace lathe::run
