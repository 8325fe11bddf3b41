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
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe {

enum class EmbedType : uint8_t { f32, bf16, q8_0 };  // how weights are kept in memory

struct EmbedOptions {
  std::string model{};  // a folder or a file, or a Hugging Face name in the cache `hub`
  std::string hub{};    // the folder of models--organisation--name; empty: there is none
  EmbedType type = EmbedType::f32;
  int threads = 0;                     // 0: what the machine recommends
  std::optional<bool> normalize = {};  // without a value: as the model's files say, yes where they say nothing
  int64_t dim = 0;                     // the first so many elements; 0: all
  // A folder in which packed weights are kept, so that the next start maps them instead of packing; empty: none.
  std::string cache{};
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

class Embedder {
 public:
  static Result<Embedder> open(const EmbedOptions& options);

  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  ~Embedder();

  int64_t dim() const;
  int64_t max_tokens() const;  // longer texts are truncated

  // An error of one text is an error of all, and names its place.
  Result<Embeddings> embed(std::span<const std::string_view> texts);

 private:
  struct Impl;
  explicit Embedder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lathe
