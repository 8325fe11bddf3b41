// What happens to a text before it is cut: the normalizers of tokenizer.json, and SentencePiece's own.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/charsmap.h"
#include "tokenize/regex.h"
#include "tokenize/unicode.h"
#include "tokenize/workspace.h"

namespace lathe::tokenize {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // Appends the normalized `text` (valid UTF-8) to `out`. `work.word` and `work.code_points` are free to use.
  virtual void append(std::string_view text, WorkspaceState& work, std::string& out) const = 0;
};
using NormalizerPtr = std::unique_ptr<const Normalizer>;

// Step after step. `work.spare` holds what lies between them; sequences in sequences are joined where they are read.
class NormalizerSequence : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<NormalizerPtr> steps) : steps_(std::move(steps)) {}
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;

 private:
  std::vector<NormalizerPtr> steps_;
};

class UnicodeForm : public Normalizer {
 public:
  explicit UnicodeForm(Form form) : form_(form) {}
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;

 private:
  Form form_;
};

// One code point at a time.
class Lowercase : public Normalizer {
 public:
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;
};
class StripAccents : public Normalizer {
 public:
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;
};
class Nmt : public Normalizer {
 public:
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;
};

class StripSpace : public Normalizer {
 public:
  StripSpace(bool left, bool right) : left_(left), right_(right) {}
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;

 private:
  bool left_, right_;
};

class ReplaceText : public Normalizer {
 public:
  ReplaceText(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;

 private:
  std::string from_, to_;
};

class ReplaceRegex : public Normalizer {
 public:
  ReplaceRegex(Regex from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;

 private:
  Regex from_;
  std::string to_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string what) : what_(std::move(what)) {}
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;

 private:
  std::string what_;
};

// "Precompiled": the map applied to grapheme clusters of less than six bytes, else to single characters; of several
// matches the shortest, which replaces the whole cluster. So the reference implementation has it.
class PrecompiledMap : public Normalizer {
 public:
  explicit PrecompiledMap(Charsmap map) : map_(std::move(map)) {}
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;

 private:
  Charsmap map_;
};

// Each byte as the printable character that stands for it.
class ByteLevelNormalizer : public Normalizer {
 public:
  void append(std::string_view text, WorkspaceState& work, std::string& out) const override;
};

}  // namespace lathe::tokenize
