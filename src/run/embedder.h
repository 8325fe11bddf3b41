// Texts to vectors: tokenizer, encoder, pooling, and the batches in between.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_files.h"
#include "formats/sentence_transformer.h"
#include "models/encoder.h"
#include "models/open_encoder.h"
#include "run/model_store.h"
#include "tokenize/tokenizer.h"

namespace lathe::run {

struct EmbedderOptions {
  std::string model{};  // as resolve_model takes it
  std::string hub{};
  matmul::Type stored = matmul::Type::f32;  // of the weights: f32, bf16 or q8_0
  int threads = 0;                          // 0: what the machine recommends
  // Without a value: what the model's own files say; a mean of length 1 where they say nothing.
  std::optional<Pooling> pooling{};
  std::optional<bool> normalize{};
  int64_t dim = 0;  // the first so many elements; 0: all
  // Texts share a pass up to so many tokens. At the inner layer of MiniLM that is 12 MiB, and rows enough for the
  // products to run at their best.
  int64_t batch_tokens = 2048;
  CacheOptions cache{};  // of packed weights
};

struct Embedding {
  int64_t index = 0;  // of the text
  std::span<const float> vector;
  int64_t tokens = 0;      // of the whole text
  bool truncated = false;  // the model took fewer
  Status status;           // of this text; vector is empty where it is not ok
};

class Embedder {
 public:
  static Result<Embedder> open(const EmbedderOptions& options);

  int64_t dim() const { return dim_; }
  int64_t max_tokens() const { return max_tokens_; }
  const tokenize::Tokenizer& tokenizer() const { return tokenizer_; }
  // For measurements.
  models::Encoder& encoder() { return *encoder_; }
  Team& team() { return *team_; }

  // Calls `each` for every text, in order; the vector is valid during the call. What is wrong with one text is in its
  // Embedding and the others go on; an error of `each` or of the whole ends the run.
  Status embed(std::span<const std::string_view> texts, const std::function<Status(const Embedding&)>& each);

 private:
  Embedder(models::EncoderFiles files, tokenize::Tokenizer tokenizer)
      : files_(std::move(files)), tokenizer_(std::move(tokenizer)) {}
  Status configure(const EmbedderOptions& options, const std::optional<SentenceTransformer>& extras);
  void add(int64_t index, std::string_view text);
  void give_back_tables();
  Status flush(const std::function<Status(const Embedding&)>& each);

  models::EncoderFiles files_;
  tokenize::Tokenizer tokenizer_;
  tokenize::Workspace work_;
  std::unique_ptr<ModelStore> store_;
  std::unique_ptr<Team> team_;
  std::unique_ptr<models::Encoder> encoder_;
  std::vector<Pooling> pooling_;
  int64_t gathered_ = 0;  // tokens since the tables' pages were last given back
  bool normalize_ = true;
  int64_t dim_ = 0, max_tokens_ = 0, batch_tokens_ = 0;
  std::string prompt_;  // before every text

  // The batch that is being filled.
  tokenize::Encoding encoding_;
  std::string prompted_;
  std::vector<int32_t> ids_;
  std::vector<int64_t> offsets_;
  std::vector<Embedding> items_;
  std::vector<float> vectors_;
};

}  // namespace lathe::run
