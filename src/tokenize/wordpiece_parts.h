// A WordPiece tokenizer without a tokenizer.json: from vocab.txt or from GGUF, with BERT's rules around it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tokenize/parts.h"

namespace lathe::tokenize {

struct WordPieceSetup {
  BertRules rules;
  std::string unknown = "[UNK]", cls = "[CLS]", sep = "[SEP]", pad = "[PAD]", mask = "[MASK]";
};

// `pieces` as vocab.txt has them: "##" leads a continuation. The five special tokens are found in texts; of them
// unknown, cls and sep must be there. Throws Wrong.
std::unique_ptr<Tokenizer::Parts> wordpiece_parts(std::string_view name, std::span<const std::string_view> pieces,
                                                  const WordPieceSetup& setup);

}  // namespace lathe::tokenize
