// Unigram: of all segmentations into pieces the one with the greatest sum of scores (Viterbi over a trie).
#pragma once

#include <optional>
#include <vector>

#include "tokenize/byte_fallback.h"
#include "tokenize/model.h"
#include "tokenize/space_cuts.h"
#include "tokenize/trie.h"

namespace lathe::tokenize {

class Unigram : public Model {
 public:
  struct Options {
    int32_t unknown = 0;
    double unknown_score = 0;           // of one code point without a piece
    std::optional<ByteFallback> bytes;  // what stands for unknown text; else runs of it become one `unknown`
    // SentencePiece sums in f32 and over the whole text, Hugging Face in f64 and word by word: a near tie depends on
    // it.
    bool sums_in_f32 = false;
  };
  // A piece as the search sees it.
  struct Piece {
    std::string_view text;
    int32_t id;
  };
  // `scores` by id.
  Unigram(const std::vector<Piece>& pieces, std::vector<float> scores, Options options);
  Unigram(const std::vector<Piece>& pieces, std::vector<double> scores, Options options);

 private:
  void encode_new(std::string_view word, WorkspaceState& work, std::vector<int32_t>& out) const override;
  template <class Score>
  void encode_by(const std::vector<Score>& scores, std::string_view word, WorkspaceState& work,
                 std::vector<int32_t>& out) const;
  template <class Score>
  Score search(const std::vector<Score>& scores, std::string_view part, Score base, WorkspaceState& work) const;
  void emit(std::string_view part, WorkspaceState& work, size_t word_begin, std::vector<int32_t>& out) const;

  Trie trie_;
  SpaceCuts cuts_;
  std::vector<float> f32_scores_;
  std::vector<double> f64_scores_;
  Options options_;
};

}  // namespace lathe::tokenize
