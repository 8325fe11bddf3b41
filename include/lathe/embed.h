// Texts to vectors.
//
//   auto embedder = lathe::Embedder::open({.model = "all-MiniLM-L6-v2"});  // a folder, a file or a name
//   const std::string_view texts[] = {"first", "second"};
//   auto embeddings = embedder->embed(texts);
//   std::span<const float> first = embeddings->vector(0);
//
// A text's vector has the same bits alone or among others, with one thread or many, on any instruction set.
//
// ERRORS. Bad input is a Status with one sentence; nothing throws.
// THREADS. One thread at a time uses an Embedder; it has a team of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe {

// How weights are kept in memory. automatic: as the model's file has them, f16 as f32, other blocks as q8_0.
// q8_a7: as q8_0, with activations of 7 bits: the fastest where no instruction multiplies bf16, and less exact
// (docs/accuracy.md). bf16_b16: as bf16, with activations rounded to bf16, the fastest where there are tiles (AMX).
// bf16_d16: the same by Arm's instructions for bf16; without them a hundred times slower.
enum class EmbedType : uint8_t { automatic, f32, bf16, q8_0, q4_0, q8_a7, bf16_b16, bf16_d16, f16 };
enum class EmbedPooling : uint8_t { mean, cls, max, last_token };

// What becomes of a text that is longer than max_tokens.
enum class EmbedOverflow : uint8_t {
  truncate,  // what is beyond is left out, and `truncated` says so
  error,     // that text has an error
  chunk,     // it is cut by tokens; its vector is the mean of the chunks' by their tokens, at length 1 where normalised
};

struct EmbedOptions {
  std::string model{};  // a folder or a file, or a Hugging Face name in the cache `hub`
  std::string hub{};    // the folder of models--organisation--name; empty: there is none
  EmbedType type = EmbedType::automatic;
  int threads = 0;                           // 0: what the machine recommends
  std::optional<EmbedPooling> pooling = {};  // without a value: as the model's files say, mean where they say nothing
  std::optional<bool> normalize = {};        // without a value: as the model's files say, yes where they say nothing
  int64_t dim = 0;                           // the first so many elements; 0: all
  // Before every text stands one of the model's own prompts by its name, or these words. At most one of the two;
  // without either, what the model's files say.
  std::optional<std::string> task = {}, prompt = {};
  int64_t max_tokens = 0;  // of a text; 0: what the model takes
  EmbedOverflow overflow = EmbedOverflow::truncate;
  int64_t overlap = 0;          // tokens that a chunk shares with the one before
  int64_t batch_tokens = 2048;  // texts share a pass up to so many
  int64_t max_rss = 0;          // bytes that the process may have; batches get smaller for it. 0: no limit
  // A folder in which packed weights are kept, so that the next start maps them instead of packing, and under
  // `pipelines` what a device's driver has compiled; empty: none.
  std::string cache{};
  // A Vulkan device by its number, as `lathe inspect devices` lists them; without a value the CPU computes. It takes
  // weights in f32, f16, q8_0 and q4_0.
  std::optional<int64_t> device{};
};

struct Embeddings {
  int64_t dim = 0;
  std::vector<float> values;    // texts * dim
  std::vector<int64_t> tokens;  // of each whole text
  std::vector<bool> truncated;  // the model took fewer
  std::span<const float> vector(int64_t text) const {
    return std::span(values).subspan(static_cast<size_t>(text * dim), static_cast<size_t>(dim));
  }
};

struct Embedding {
  int64_t text = 0;               // its place among the texts
  Status status;                  // why there is no vector
  std::span<const float> vector;  // valid during the call
  int64_t tokens = 0, chunks = 1;
  bool truncated = false;
};

class Embedder {
 public:
  static Result<Embedder> open(const EmbedOptions& options);

  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  ~Embedder();

  int64_t dim() const;
  int64_t max_tokens() const;              // of a text
  std::vector<std::string> tasks() const;  // the names of the model's own prompts

  // For the texts from now on: queries and documents of one model often want different ones.
  Status set_task(std::string_view name);
  Status set_prompt(std::string_view words);  // empty: none

  // An error of one text is an error of all, and names its place.
  Result<Embeddings> embed(std::span<const std::string_view> texts);

  // Calls `each` for every text, in order, and holds no more than a batch. What is wrong with one text is in its
  // Embedding and the others go on; an error that `each` returns ends the run and is returned.
  Status embed(std::span<const std::string_view> texts, const std::function<Status(const Embedding&)>& each);

 private:
  struct Impl;
  explicit Embedder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lathe
