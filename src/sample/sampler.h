// From logits to a token.
//
// THE STEPS, in transformers' order (which llama.cpp shares, but for the temperature, that it applies last):
//
//   l[i] += logit_bias[i]
//   l[i]  = l[i] > 0 ? l[i] / repetition_penalty : l[i] * repetition_penalty     tokens of prompt and answer
//   l[i] -= count[i] * frequency_penalty + presence_penalty                      tokens of the answer
//   l[i]  = -inf                                                                 tokens that are not allowed
//   temperature 0: the largest l[i]. Else p = softmax(l / temperature), of which are kept
//   top_k:  the k largest
//   top_p:  of these, the fewest largest ones that hold top_p of their sum
//   min_p:  of these, p[i] >= min_p * max(p)
//   one of what is left, with probability p[i]
//
// THE SAME SEED GIVES THE SAME TOKEN ON EVERY MACHINE. "Largest" is a total order: by value, then the lower id. The
// softmax is our own kernel (same bits on any instruction set). Probabilities then become whole numbers of 2^-40, so
// that sums do not depend on an order; one below 2^-40 (of the largest) counts as 0. Random numbers are a function of
// seed and draw (random.h).
//
// The two later steps need no full sort: maxima of blocks of 64 tell where the k largest can be (selection.h), and a
// histogram of the probabilities' leading bits tells where the nucleus ends.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lathe/status.h"
#include "sample/sampler_options.h"
#include "sample/selection.h"

namespace lathe::sample {

// The state of one session. Nothing is allocated after create().
class Sampler {
 public:
  static Result<Sampler> create(const SamplerOptions& options, int64_t vocabulary);

  // Begins a text: its tokens count for the repetition penalty. Draws begin anew.
  Status start(std::span<const int32_t> prompt);

  // A token for `logits`, one for each of the vocabulary. `allowed` (empty: all) has bit i % 64 of word i / 64 set for
  // each token that may be taken. What was sampled before is counted only by accept().
  Result<int32_t> sample(std::span<const float> logits, std::span<const uint64_t> allowed = {});
  // `token` stands in the answer now.
  Status accept(int32_t token);

  // Where a device draws (device_draw.h): the random number of the draw that is `ahead` of the next, and that `token`
  // was drawn by the next and stands in the answer.
  uint64_t random_of(int64_t ahead) const;
  Status accept_drawn(int32_t token);

  const SamplerOptions& options() const { return options_; }
  int64_t vocabulary() const { return vocabulary_; }
  // What the last sample() chose from, by ascending id, with weights that are proportional to the probabilities; empty
  // after a greedy one.
  std::span<const Candidate> candidates() const { return kept_; }

 private:
  Sampler(const SamplerOptions& options, int64_t vocabulary);
  Status load(std::span<const float> logits);
  void penalize();
  void keep_allowed(std::span<const uint64_t> allowed);
  void note(int32_t token);
  Result<int32_t> choose();
  int32_t draw();

  SamplerOptions options_;
  int64_t vocabulary_;
  uint64_t draws_ = 0;
  std::vector<int32_t> seen_;      // distinct tokens of prompt and answer
  std::vector<bool> is_seen_;      // by token
  std::vector<int32_t> answered_;  // by token: how often it stands in the answer
  std::vector<float> values_;      // logits after the penalties; then of the candidates
  Selection selection_;
  std::vector<Candidate> kept_;
};

}  // namespace lathe::sample
