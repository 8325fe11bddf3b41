// Small tokenizers for the tests, as the text of a tokenizer.json.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tokenize/tokenizer.h"

namespace lathe::tokenize {

using TestJson = nlohmann::json;

inline TestJson vocab_of(const std::vector<std::string>& pieces) {
  TestJson vocab = TestJson::object();
  for (size_t i = 0; i < pieces.size(); ++i) vocab[pieces[i]] = i;
  return vocab;
}

inline TestJson wordpiece_json(const std::vector<std::string>& pieces) {
  return {{"model", {{"type", "WordPiece"}, {"unk_token", "[UNK]"}, {"vocab", vocab_of(pieces)}}},
          {"normalizer", {{"type", "BertNormalizer"}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"decoder", {{"type", "WordPiece"}}}};
}

inline std::vector<std::string> encode_pieces(const Tokenizer& tokenizer, std::string_view text,
                                              const EncodeOptions& options = {}) {
  std::vector<std::string> pieces;
  const auto encoding = tokenizer.encode(text, options);
  EXPECT_TRUE(encoding.ok()) << encoding.status().message();
  if (encoding.ok())
    for (const int32_t id : encoding->ids) pieces.emplace_back(tokenizer.piece(id));
  return pieces;
}

inline Tokenizer tokenizer_of(const TestJson& json) {
  auto made = Tokenizer::from_json("test.json", json.dump());
  if (!made.ok()) throw std::runtime_error(made.status().message());
  return *std::move(made);
}

inline std::string error_of(const std::string& json) {
  const auto made = Tokenizer::from_json("test.json", json);
  return made.ok() ? "" : made.status().message();
}
inline std::string error_of(const char* json) { return error_of(std::string(json)); }
inline std::string error_of(const TestJson& json) { return error_of(json.dump()); }

}  // namespace lathe::tokenize
