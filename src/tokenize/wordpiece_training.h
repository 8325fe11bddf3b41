// What making a WordPiece tokenizer needs of this room: texts cut into words as BERT does, and the tokenizer.json of a
// vocabulary that the SentencePiece library found in such words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe::tokenize {

class BertWords {
 public:
  BertWords();
  ~BertWords();
  // The words of a text, in lower case and without accents, with blanks between them; valid until the next call.
  std::string_view of(std::string_view text);

 private:
  std::unique_ptr<struct WorkspaceState> work_;
  std::string valid_, normalized_, words_;
};

// `model` is a BPE model of words with blanks between them. Of its pieces, characters come first (each as the beginning
// of a word and as "##c" within one), then what was merged, in order, up to `vocabulary` tokens with [PAD], [UNK],
// [CLS], [SEP] and [MASK]. The file is what BertTokenizerFast writes.
Result<std::string> wordpiece_json(std::string_view model, int64_t vocabulary);

}  // namespace lathe::tokenize
