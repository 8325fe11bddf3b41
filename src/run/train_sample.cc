#include "run/train_sample.h"

#include <algorithm>
#include <vector>

#include "sample/sampler.h"

namespace lathe::run {
namespace {

// Something must come first: the separator, a line feed, or the first token.
int32_t first_token(const tokenize::Tokenizer& tokenizer, int32_t separator) {
  return separator >= 0 ? separator : std::max(0, tokenizer.id_of("\n"));
}

}  // namespace

Result<std::string> train_sample(models::TrainModel& model, const tokenize::Tokenizer& tokenizer,
                                 const TrainSampleOptions& options) {
  auto prompt = tokenizer.encode(options.prompt, {.add_special = false, .allow_special = false});
  if (!prompt) return prompt.status();
  std::vector<int32_t> ids = std::move(prompt->ids);
  if (options.separator >= 0 || ids.empty()) ids.insert(ids.begin(), first_token(tokenizer, options.separator));
  const int64_t vocabulary = model.config().vocabulary;
  auto sampler = sample::Sampler::create(options.sampler, vocabulary);
  if (!sampler) return sampler.status();
  if (Status status = sampler->start(ids); !status.ok()) return status;
  std::vector<float> logits(static_cast<size_t>(vocabulary));
  const size_t known = static_cast<size_t>(tokenizer.vocab_size());
  for (int64_t i = 0; i < options.tokens; ++i) {
    const size_t seen = std::min(ids.size(), static_cast<size_t>(options.context));
    if (Status status = model.logits(std::span(ids).last(seen), logits); !status.ok()) return status;
    // A model may have more words than its tokenizer.
    for (size_t j = known; j < logits.size(); ++j) logits[j] = -1e30f;
    const auto token = sampler->sample(logits);
    if (!token) return token.status();
    if (*token == options.separator || *token == tokenizer.special().eos) break;
    if (Status status = sampler->accept(*token); !status.ok()) return status;
    ids.push_back(*token);
  }
  return tokenizer.decode(ids);
}

}  // namespace lathe::run
