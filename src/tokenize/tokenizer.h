// Text to ids and back, as the reference implementations have it, to the id: Hugging Face tokenizers for
// tokenizer.json, vocab.txt and vocab.json with merges.txt, SentencePiece for .model files, and what llama.cpp's
// converter writes into GGUF.
//
// Input that is not valid UTF-8 is mended first: each maximal part of an invalid sequence becomes one U+FFFD.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe::tokenize {

struct EncodeOptions {
  bool add_special = true;    // what the tokenizer puts around a text: [CLS] ... [SEP]
  int64_t max_tokens = 0;     // with the special ones; 0: no limit
  bool allow_special = true;  // "[SEP]" in the text is the token, as in the reference; else it is text like any other
};

struct Encoding {
  std::vector<int32_t> ids;
  int64_t tokens = 0;      // before truncation
  bool truncated = false;  // tokens > ids.size()
};

struct SpecialIds {  // -1: there is none
  int32_t cls = -1, sep = -1, bos = -1, eos = -1, pad = -1, unk = -1, mask = -1;
};

// What one thread needs to encode: buffers and a cache of words (1 MiB). It may go from tokenizer to tokenizer.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;

 private:
  friend class Tokenizer;
  std::unique_ptr<struct WorkspaceState> state_;
};

// Files that stand beside a tokenizer; empty where they are not there.
struct Companions {
  std::string_view tokenizer_config = {};    // tokenizer_config.json
  std::string_view special_tokens_map = {};  // special_tokens_map.json
  std::string_view added_tokens = {};        // added_tokens.json
};

// The vocabulary of a GGUF file; the names are those of its tokenizer.ggml.* fields. Nothing is kept of what it views.
struct GgufVocab {
  std::string_view model = {};  // bert, gpt2, llama or t5
  std::string_view pre = {};
  std::span<const std::string_view> tokens = {};
  std::span<const float> scores = {};
  std::span<const int32_t> token_types = {};
  std::span<const std::string_view> merges = {};
  std::string_view precompiled_charsmap = {};
  SpecialIds special = {};
  std::optional<bool> add_bos = {}, add_eos = {}, add_space_prefix = {}, remove_extra_whitespaces = {};
};

// Any number of threads may use one, each with its own Workspace, once set_lower_case() was called or not.
class Tokenizer {
 public:
  // `name` is what error messages call the file.
  static Result<Tokenizer> from_json(std::string_view name, std::string_view json, const Companions& beside = {});
  static Result<Tokenizer> from_vocab_txt(std::string_view name, std::string_view text, const Companions& beside = {});
  static Result<Tokenizer> from_vocab_and_merges(std::string_view name, std::string_view vocab_json,
                                                 std::string_view merges_txt, const Companions& beside = {});
  static Result<Tokenizer> from_sentencepiece(std::string_view name, std::string_view model,
                                              const Companions& beside = {});
  static Result<Tokenizer> from_gguf(std::string_view name, const GgufVocab& vocab);
  // A file of one of the kinds above but GGUF, or a folder in which the first of them is found.
  static Result<Tokenizer> load(const std::string& path);

  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // `result` keeps its memory: once the buffers have grown to the texts at hand, nothing is allocated.
  Status encode(std::string_view text, const EncodeOptions& options, Workspace& work, Encoding& result) const;
  Result<Encoding> encode(std::string_view text, const EncodeOptions& options = {}) const;

  // Fails for an id that is none of the vocabulary.
  Result<std::string> decode(std::span<const int32_t> ids, bool skip_special = true) const;
  // Appends the bytes that a token adds to a text that has begun, maybe a part of a character. Fails as decode() does.
  Status append_bytes(int32_t id, std::string& out) const;

  // From now on texts are lower-cased before all else, but for the added tokens in them: what the do_lower_case of
  // sentence-transformers means. What the tokenizer's own files say of case is done in any case.
  void set_lower_case(bool on) { lower_case_ = on; }

  std::string_view kind() const;  // "WordPiece", "Unigram", "BPE"
  int32_t vocab_size() const;
  std::string_view piece(int32_t id) const;     // empty for an id that is none
  int32_t id_of(std::string_view piece) const;  // -1: no piece has this text
  bool is_special(int32_t id) const;
  const SpecialIds& special() const;
  int64_t added_by_template() const;          // special tokens that add_special adds
  std::optional<int64_t> max_tokens() const;  // what the files say that the model takes

  struct Parts;  // of this room alone

 private:
  explicit Tokenizer(std::unique_ptr<const Parts> parts);
  friend Tokenizer make_tokenizer(std::unique_ptr<const Parts> parts);
  std::unique_ptr<const Parts> parts_;
  bool lower_case_ = false;
  uint64_t serial_;  // by which a Workspace knows whose words it remembers
};

}  // namespace lathe::tokenize
