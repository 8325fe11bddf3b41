// Texts that go on: prompts into the cache, one token after the other out of it, for many sessions in one pass.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/device_decoder.h"
#include "models/open_decoder.h"
#include "run/model_store.h"
#include "run/session.h"

namespace lathe::run {

struct GeneratorOptions {
  std::string model{};  // as resolve_model takes it
  std::string hub{};
  // How weights are kept, one of kGenerateTypes; without a value each as the file has it (models::kept_type).
  std::optional<matmul::Type> stored{};
  ops::KvType cache_type = ops::KvType::f16;  // of keys and values
  int threads = 0;                            // 0: what the machine recommends
  int64_t context = 0;                        // tokens of a session, prompt and answer; 0: what the model takes
  // Tokens of prompts that share a pass with the next tokens of the other sessions, which wait for it: 128 rows are
  // enough for products to run at their best.
  int64_t prompt_tokens = 128;
  int64_t cache_bytes = 0;  // that keys and values of all sessions may take; 0: no limit
  CacheOptions cache{};     // of packed weights
  // A Vulkan device by its number, which computes the passes; without a value the CPU does. It keeps keys and values as
  // f32, and guesses no tokens.
  std::optional<int64_t> device{};
  // The folder in which what the device has compiled is kept; empty: it is not. Why what lies there is not taken is
  // told to cache.warn.
  std::string pipelines{};
  ops::Dispatch dispatch = ops::Dispatch::model;
  std::function<void(int64_t done, int64_t total)> uploaded{};  // bytes of the model that are on the device
  ops::MeasuredRows measured{};                                 // of its products, by `lathe probe`; not set: none was
};

class Generator {
 public:
  static Result<std::unique_ptr<Generator>> open(const GeneratorOptions& options);

  int64_t context() const { return context_; }
  // The type that most of the weights are kept in.
  matmul::Type stored() const { return decoder_->weights().main_type(); }
  const models::DecoderConfig& config() const { return decoder_->config(); }
  const ops::KvPool& pool() const { return *pool_; }
  // An error says why there is none: a model can do without, by ids.
  Result<const tokenize::Tokenizer*> tokenizer() const;
  // A text's, with the special tokens that the tokenizer puts before it.
  Result<std::vector<int32_t>> tokens_of(std::string_view text) const;
  // How the model writes a conversation; an error where its files do not say.
  Result<chat::ChatTemplate> chat_template() const;
  // How its makers would have its answers drawn, where the model's files say; else greedily.
  Result<sample::SamplerOptions> recommended_sampling() const { return files_.recommended_sampling(); }
  const std::vector<int32_t>& end_ids() const { return end_ids_; }
  // For measurements.
  models::Decoder& decoder() { return *decoder_; }
  const models::DeviceDecoder* device() const { return device_.get(); }  // nullptr: there is none
  void set_dispatch(ops::Dispatch dispatch);
  Team& team() { return *team_; }
  const TensorTable& tensors() const { return files_.tensors(); }  // of the model's files

  // A session that waits for its turn; the number by which events and cancel() know it. What of the prompt is in the
  // cache for another session, or for one of the last that ended, is not computed again.
  Result<int64_t> start(std::span<const int32_t> prompt, SessionOptions options);
  Result<int64_t> start(std::string_view prompt, SessionOptions options);

  // One pass: the next token of every session whose prompt is done, and a part of the prompts that are not. What
  // happens to one session is in its events and the others go on; an error of the whole is returned.
  using Each = std::function<void(const SessionEvent&)>;
  Status step(const Each& each);
  bool busy() const { return !sessions_.empty(); }
  // Tokens of a session's prompt that were cached when it began; 0 once it has ended.
  int64_t cached(int64_t session) const;

  // Ends a session with the next event; a pass in progress is left within half a layer, unless the one before was left
  // too: the others go on however often somebody cancels. Any thread may call it.
  void cancel(int64_t session);

 private:
  // What a session that ended has in the cache, for the next that begins alike.
  struct Kept {
    std::vector<int32_t> ids;
    ops::KvText text;
    models::DeviceText on_device;
  };

  // A session's part of a pass.
  struct Turn {
    Session* session;
    int64_t tokens, rows;
    int64_t guessed;  // of the tokens, the last ones that are guesses
  };

  Generator() = default;
  Status configure(const GeneratorOptions& options);
  Status open_device(const GeneratorOptions& options);
  Status check_prompt(std::span<const int32_t> prompt) const;
  ops::KvText reuse(std::span<const int32_t> prompt) const;
  Status begin_answer(Session& session);
  Status begin_grammar(Session& session);
  Result<int32_t> choose(Session& session, std::span<const float> logits) const;
  void end_cancelled(const Each& each);
  void fill_batch(const Each& each);
  bool add_tokens(Session& session, int64_t budget, const Each& each);
  void add_guess(Session& session);
  Status reserve_pages(Session& session, int64_t count);
  Status run_batch(const Each& each);
  void take_turn(const Turn& turn, std::span<const float> logits, const Each& each);
  void take_kept(Session& session);
  Status step_on_device(const Each& each);
  Status feed_device(Session& session, int64_t count, const Each& each);
  Status answer_on_device(std::span<Session* const> sessions, const Each& each);
  Status choose_on_device(std::span<Session* const> sessions, const Each& each);
  Status take_chosen(Session& session, std::span<const int32_t> tokens, const Each& each);
  Status give_device_logits(std::span<Session* const> sessions, const Each& each);
  bool make_device_room(Session& session, int64_t count, const Each& each);
  std::vector<Session*> with_device_room(std::span<Session* const> sessions, int64_t count, const Each& each);
  void take_token(Session& session, int32_t token, const Each& each);
  void take_logits(Session& session, int64_t position, std::span<const float> logits, const Each& each);
  void end(Session& session, Finish finish, Status status, const Each& each, int32_t token = -1);
  void remove_ended();
  void give_back_tables(int64_t tokens);

  models::DecoderFiles files_;
  std::unique_ptr<ModelStore> store_;
  std::unique_ptr<Team> team_;
  std::unique_ptr<models::Decoder> decoder_;
  std::unique_ptr<models::DeviceDecoder> device_;
  std::unique_ptr<ops::KvPool> pool_;  // outlives what is kept and the sessions
  std::optional<tokenize::Tokenizer> tokenizer_;
  std::shared_ptr<const grammar::TokenTrie> trie_;  // its texts, once a session has a grammar
  Status no_tokenizer_;
  std::vector<int32_t> end_ids_;
  int64_t context_ = 0, prompt_tokens_ = 0;
  int64_t gathered_ = 0;  // tokens since the tables' pages were last given back

  std::vector<Kept> kept_;  // the latest last
  std::vector<std::unique_ptr<Session>> sessions_;
  int64_t next_ = 1;

  std::mutex cancel_mutex_;
  std::vector<int64_t> to_cancel_;
  std::atomic<bool> interrupt_{false};
  const std::atomic<bool>* leave_ = nullptr;  // what this step's passes look at; nullptr: they are finished
  bool left_ = false;                         // the last step was

  // The pass.
  std::vector<Turn> turns_;
  std::vector<int32_t> ids_;
  std::vector<int64_t> offsets_, rows_;
  std::vector<ops::KvText*> texts_;
  std::vector<float> logits_;
};

}  // namespace lathe::run
