// Byte-pair encoding in its two forms: by a list of merges (GPT-2, Hugging Face) and by the pieces' scores
// (SentencePiece).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "tokenize/byte_fallback.h"
#include "tokenize/model.h"
#include "tokenize/space_cuts.h"
#include "tokenize/vocab.h"

namespace lathe::tokenize {

// From a pair of ids to what they become.
class MergeTable {
 public:
  void reserve(size_t merges);
  void insert(int32_t left, int32_t right, Merge merge);  // a later one replaces an earlier one
  Merge find(int32_t left, int32_t right) const;
  void prefetch(int32_t left, int32_t right) const;  // of an insert or a find that will follow

 private:
  struct Slot {
    uint64_t pair = kEmpty;
    Merge merge{kNoMerge, -1};
  };
  static constexpr uint64_t kEmpty = UINT64_MAX;
  size_t home(uint64_t pair) const { return (pair * 0x9e3779b97f4a7c15u >> 32) & (slots_.size() - 1); }
  std::vector<Slot> slots_ = std::vector<Slot>(1);
};

class MergeBpe : public Model {
 public:
  struct Options {
    bool bytes = false;          // words are bytes, each with a piece of GPT-2's alphabet; else code points
    bool ignore_merges = false;  // a word that is a piece is that piece
    bool fuse_unknown = false;
    int32_t unknown = -1;  // -1: text without a piece is dropped
    std::optional<ByteFallback> fallback;
    std::string prefix, suffix;  // of every symbol but the first, of the last one
  };
  MergeBpe(PieceIndex pieces, MergeTable merges, SpaceCuts cuts, Options options);

 private:
  void encode_new(std::string_view word, WorkspaceState& work, std::vector<int32_t>& out) const override;
  void encode_part(std::string_view part, WorkspaceState& work, std::vector<int32_t>& out) const;
  void byte_symbols(std::string_view word, std::vector<Symbol>& symbols) const;
  void character_symbols(std::string_view word, WorkspaceState& work) const;
  int32_t whole_word(std::string_view word, WorkspaceState& work) const;

  PieceIndex pieces_;
  MergeTable merges_;
  SpaceCuts cuts_;
  Options options_;
  std::array<int32_t, 256> byte_ids_{};
  bool cut_at_spaces_;
};

class ScoreBpe : public Model {
 public:
  struct Options {
    int32_t unknown = 0;
    std::optional<ByteFallback> fallback;
  };
  // `ranks` by id: the lower, the earlier a merge into that piece. `unused` by id: may be merged through, not used.
  ScoreBpe(PieceIndex pieces, std::vector<uint32_t> ranks, std::vector<bool> unused, SpaceCuts cuts, Options options);

 private:
  void encode_new(std::string_view word, WorkspaceState& work, std::vector<int32_t>& out) const override;
  void encode_part(std::string_view part, WorkspaceState& work, std::vector<int32_t>& out) const;
  void emit(std::string_view text, int32_t id, std::vector<int32_t>& out) const;

  PieceIndex pieces_;
  std::vector<uint32_t> ranks_;
  std::vector<bool> unused_;
  bool has_unused_;
  SpaceCuts cuts_;
  Options options_;
};

}  // namespace lathe::tokenize
