// A vocabulary of characters: those of a text, sorted by their code points, as nanoGPT numbers them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::run {

class CharTable {
 public:
  CharTable();

  // Adds the characters of `text`; then number() once, then ids.
  void add(std::string_view text);
  void number();

  int64_t size() const { return static_cast<int64_t>(characters_.size()); }
  // Appends the ids of `text`, all of whose characters were added.
  void encode(std::string_view text, std::vector<int32_t>& ids) const;
  // As a tokenizer.json: BPE that knows the characters and no merge, which every reader of such files takes. Where all
  // are ASCII it is GPT-2's, of bytes, which GGUF has words for too.
  std::string tokenizer_json() const;

 private:
  bool is_ascii() const;

  std::vector<int32_t> ids_;  // by code point: -1 not seen, then 0, or its number
  std::vector<uint32_t> characters_;
};

}  // namespace lathe::run
