// Texts to vectors: tokenizer, encoder, pooling, and the batches in between.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/model_files.h"
#include "formats/sentence_transformer.h"
#include "models/device_encoder.h"
#include "models/encoder.h"
#include "models/open_encoder.h"
#include "run/model_store.h"
#include "run/text_cutter.h"

namespace lathe::run {

struct EmbedderOptions {
  std::string model{};  // as resolve_model takes it
  std::string hub{};
  // How weights are kept, one of kStoredTypes; without a value as stored_type says, which follows the file.
  std::optional<matmul::Type> stored = matmul::Type::f32;
  int threads = 0;  // 0: what the machine recommends
  // Without a value: what the model's own files say; a mean of length 1 where they say nothing.
  std::optional<Pooling> pooling{};
  std::optional<bool> normalize{};
  int64_t dim = 0;  // the first so many elements; 0: all
  // What stands before every text: one of the model's own prompts by its name, or words. At most one of the two;
  // without either, what the model's files say.
  std::optional<std::string> task{}, prompt{};
  int64_t max_tokens = 0;  // of a text; 0: what the model takes
  Overflow overflow = Overflow::truncate;
  int64_t overlap = 0;  // with Overflow::chunk: tokens that a chunk shares with the one before
  // Texts share a pass up to so many tokens. At the inner layer of MiniLM that is 12 MiB, and rows enough for the
  // products to run at their best. A longer text has a pass of its own.
  int64_t batch_tokens = 2048;
  int64_t max_rss = 0;   // bytes that the process may have; batches are made smaller for it. 0: no limit
  CacheOptions cache{};  // of packed weights
  // A Vulkan device by its number, which computes the passes; without a value the CPU does. It takes weights in f32,
  // f16, q8_0 and q4_0.
  std::optional<int64_t> device{};
  // The folder in which what the device has compiled is kept; empty: it is not. Why what lies there is not taken is
  // told to cache.warn.
  std::string pipelines{};
  ops::Dispatch dispatch = ops::Dispatch::model;
  std::function<void(int64_t done, int64_t total)> uploaded{};  // bytes of the model that are on the device
  ops::MeasuredRows measured{};                                 // of its products, by `lathe probe`; not set: none was
};

struct Embedding {
  int64_t index = 0;  // of the text
  std::span<const float> vector;
  int64_t tokens = 0;      // of the whole text
  int64_t chunks = 1;      // whose vectors were averaged
  bool truncated = false;  // the model took fewer
  Status status;           // of this text; vector is empty where it is not ok
};

class Embedder {
 public:
  static Result<Embedder> open(const EmbedderOptions& options);

  int64_t dim() const { return dim_; }
  int64_t max_tokens() const { return max_tokens_; }
  int64_t batch_tokens() const { return batch_tokens_; }
  matmul::Type stored() const { return stored_; }
  const tokenize::Tokenizer& tokenizer() const { return cutter_.tokenizer(); }
  // For measurements.
  models::Encoder& encoder() { return *encoder_; }
  const models::DeviceEncoder* device() const { return device_.get(); }  // nullptr: the CPU computes
  void set_dispatch(ops::Dispatch dispatch);
  Team& team() { return *team_; }
  // The model's own prompts: name and text.
  std::span<const std::pair<std::string, std::string>> prompts() const { return prompts_; }
  const std::string& prompt() const { return cutter_.prompt(); }

  // For the texts from now on. The error of a task that is none lists those that there are.
  Status set_task(std::string_view name);
  Status set_prompt(std::string_view prompt);
  // The same where the model has a prompt of that name; otherwise nothing changes.
  Status prefer_task(std::string_view name);

  // Calls `each` for every text, in order; the vector is valid during the call. What is wrong with one text is in its
  // Embedding and the others go on; an error of `each` or of the whole ends the run.
  using Each = std::function<Status(const Embedding&)>;
  Status embed(std::span<const std::string_view> texts, const Each& each);

 private:
  struct Piece {
    int64_t text;    // that it is of
    int64_t weight;  // in the text's average
  };

  Embedder(models::EncoderFiles files, tokenize::Tokenizer tokenizer)
      : files_(std::move(files)), cutter_(std::move(tokenizer)) {}
  Status configure(const EmbedderOptions& options, const std::optional<SentenceTransformer>& extras);
  Status configure_texts(const EmbedderOptions& options, const std::optional<SentenceTransformer>& extras);
  Status limit_memory(int64_t max_rss);
  Status add(std::string_view text, const Each& each);
  Status run_pass(const Each& each);
  Status finish_texts(const Each& each);
  void take(Embedding& text, const Piece& piece, std::span<const float> vector);
  std::span<const float> average();
  void start_sum();
  size_t row() const { return static_cast<size_t>(encoder_->vector_size(pooling_.size())); }
  Status run_encoder(const models::PoolOptions& pooling);
  Status give_back(int64_t tokens);
  void clear();
  void trim();
  Status check_cut() const;
  bool skips_prompt() const { return !pools_prompt_ && !cutter_.prompt().empty(); }
  void give_back_tables();

  models::EncoderFiles files_;
  TextCutter cutter_;
  std::unique_ptr<ModelStore> store_;
  std::unique_ptr<Team> team_;
  std::unique_ptr<models::Encoder> encoder_;
  std::unique_ptr<models::DeviceEncoder> device_;
  matmul::Type stored_ = matmul::Type::f32;
  std::vector<Pooling> pooling_;
  bool normalize_ = true, pools_prompt_ = true;
  int64_t dim_ = 0, max_tokens_ = 0, batch_tokens_ = 0;
  int64_t gathered_ = 0;  // tokens since the tables' pages were last given back
  std::vector<std::pair<std::string, std::string>> prompts_;

  // The pass that is being filled: pieces of texts, one after the other. Where a text has several, those of it that had
  // their pass are summed in `sum_`.
  CutText cut_;
  std::vector<int32_t> ids_;
  std::vector<int64_t> offsets_;
  std::vector<Piece> pieces_;
  std::vector<int64_t> skips_;    // of the pieces: tokens that are not pooled; empty where all are
  std::vector<float> vectors_;    // of the pieces
  std::vector<Embedding> texts_;  // that are not finished, in order
  std::vector<int64_t> pending_;  // of each of them: pieces to come
  int64_t next_ = 0;              // text
  std::vector<double> sum_;
  int64_t weight_ = 0;  // of what was summed
  std::vector<float> average_;
};

}  // namespace lathe::run
