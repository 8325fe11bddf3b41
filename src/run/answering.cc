#include "run/answering.h"

#include <algorithm>
#include <random>

namespace lathe::run {
namespace {

// A model may have more tokens than its tokenizer has texts for: rows that make the count a round one.
uint64_t tokens_with_text(const Generator& generator) {
  const auto words = generator.tokenizer();
  const int64_t vocabulary = generator.config().vocabulary;
  return static_cast<uint64_t>(words ? std::min<int64_t>(vocabulary, (*words)->vocab_size()) : vocabulary);
}

TokenChooser random_chooser(const Generator& generator, uint64_t seed) {
  return [random = std::mt19937_64(seed), below = tokens_with_text(generator)](std::span<const float>) mutable {
    return static_cast<int32_t>(random() % below);
  };
}

}  // namespace

std::vector<int32_t> random_tokens(const Generator& generator, int64_t count, uint64_t seed) {
  const TokenChooser choose = random_chooser(generator, seed);
  std::vector<int32_t> ids(static_cast<size_t>(count));
  std::ranges::generate(ids, [&choose] { return choose({}); });
  return ids;
}

SessionOptions random_answer(const Generator& generator, int64_t tokens, uint64_t seed) {
  SessionOptions options;
  options.guess = 0;  // each token has a pass of its own: what is measured does not depend on what is said
  options.max_tokens = tokens;
  options.stop_at_end = false;
  options.choose = random_chooser(generator, seed);
  return options;
}

Result<Answering> Answering::begin(Generator& generator, int64_t texts, int64_t steps, uint64_t seed) {
  // Prompts may need several passes, in which those that are done go on.
  const int64_t most = kPrompt + steps + 1 + texts * kPrompt;
  if (most > generator.context())
    return invalid_argument("an answer of " + std::to_string(steps) + " tokens with what comes before it takes " +
                            std::to_string(most) + ", needed: at most those of the context, " +
                            std::to_string(generator.context()));
  Answering answering(generator);
  std::vector<int64_t> waiting;
  for (int64_t i = 0; i < texts; ++i) {
    const uint64_t own = seed * 1000 + static_cast<uint64_t>(i);
    const auto session = generator.start(random_tokens(generator, kPrompt, own), random_answer(generator, -1, own));
    if (!session) return session.status();
    waiting.push_back(*session);
  }
  answering.sessions_ = waiting;
  while (!waiting.empty()) {
    Status ended;
    const Status status = generator.step([&](const SessionEvent& event) {
      std::erase(waiting, event.session);
      if (event.finish != Finish::none) ended = event.status;
    });
    if (!status.ok()) return status;
    if (!ended.ok()) return ended;
  }
  return answering;
}

Status Answering::step() {
  Status ended;
  Status status = generator_->step([&ended](const SessionEvent& event) {
    if (event.finish != Finish::none) ended = event.status;
  });
  return status.ok() ? ended : status;
}

Status Answering::end() {
  for (const int64_t session : sessions_) generator_->cancel(session);
  sessions_.clear();
  return generator_->step([](const SessionEvent&) {});
}

}  // namespace lathe::run
