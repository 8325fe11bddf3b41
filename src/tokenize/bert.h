// BERT's normalizer and pre-tokenizer, apart (as tokenizer.json may combine them with others) and as one pass.
#pragma once

#include <string>
#include <string_view>

#include "tokenize/model.h"
#include "tokenize/normalizer.h"

namespace lathe::tokenize {

struct BertRules {
  bool clean_text = true;     // drop control characters, every space becomes U+0020
  bool space_cjk = true;      // spaces around CJK ideographs
  bool strip_accents = true;  // NFD without nonspacing marks
  bool lowercase = true;
};

class BertNormalizer : public Normalizer {
 public:
  explicit BertNormalizer(BertRules rules) : rules_(rules) {}
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;
  const BertRules& rules() const { return rules_; }

 private:
  BertRules rules_;
};

// Normalizes, cuts at spaces and around punctuation, and encodes each word, without the text in between: the same ids
// as the steps one after another.
void encode_bert(std::string_view text, const BertRules& rules, const Model& model, WorkspaceState& work,
                 std::vector<int32_t>& out);

}  // namespace lathe::tokenize
