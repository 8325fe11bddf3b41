// tokenizer.json, read in one pass. Its two large parts, the vocabulary and the merges, go straight into arrays: as a
// document they would take twenty times their size.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::tokenize {

using Json = nlohmann::json;

// Strings one behind the other.
class StringList {
 public:
  void push_back(std::string_view text) {
    bytes_ += text;
    ends_.push_back(bytes_.size());
  }
  size_t size() const { return ends_.size(); }
  std::string_view operator[](size_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }

 private:
  std::string bytes_;
  std::vector<size_t> ends_;
};

struct TokenizerFile {
  Json document;  // all but model.vocab and model.merges

  bool vocab_is_list = false;  // Unigram: [piece, score], the ids in order; else piece: id
  StringList pieces;           // as they stand in the file
  std::vector<int64_t> ids;    // of the pieces of an object
  std::vector<double> scores;  // of the pieces of a list

  StringList lefts, rights;  // of the merges
  bool has_merges = false;
};

// Throws Wrong for what is no such file. `vocab_alone`: the file is vocab.json, the object of pieces itself.
TokenizerFile read_tokenizer_file(std::string_view json, bool vocab_alone = false);
// A small document, of at most 64 levels and as many values as a configuration can have.
Json read_document(std::string_view json);

}  // namespace lathe::tokenize
