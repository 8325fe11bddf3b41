// How a normalized text is cut into words: the pre-tokenizers of tokenizer.json. A step cuts the words of the step
// before further, and may rewrite them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tokenize/gpt_pattern.h"
#include "tokenize/regex.h"
#include "tokenize/workspace.h"

namespace lathe::tokenize {

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void cut(WorkspaceState& work) const = 0;  // work.words
};
using PreTokenizerPtr = std::unique_ptr<const PreTokenizer>;

// What becomes of the matches among which a text is cut.
enum class Behavior : uint8_t { removed, isolated, merged_with_previous, merged_with_next, contiguous };

class PreTokenizerSequence : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<PreTokenizerPtr> steps) : steps_(std::move(steps)) {}
  void cut(WorkspaceState& work) const override {
    for (const auto& step : steps_) step->cut(work);
  }

 private:
  std::vector<PreTokenizerPtr> steps_;
};

// Every code point of a kind is a match.
class SplitByClass : public PreTokenizer {
 public:
  using Class = bool (*)(uint32_t code_point);
  SplitByClass(Class matches, Behavior behavior) : matches_(matches), behavior_(behavior) {}
  void cut(WorkspaceState& work) const override;

 private:
  Class matches_;
  Behavior behavior_;
};

class SplitByRegex : public PreTokenizer {
 public:
  // `invert`: what lies between the matches is a match, and they are not.
  SplitByRegex(Regex pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void cut(WorkspaceState& work) const override;

 private:
  Regex pattern_;
  Behavior behavior_;
  bool invert_;
};

class SplitByGptPattern : public PreTokenizer {
 public:
  explicit SplitByGptPattern(GptPattern pattern) : pattern_(pattern) {}
  void cut(WorkspaceState& work) const override;

 private:
  GptPattern pattern_;
};

// Runs of word characters and runs of what is neither that nor space: \w+|[^\w\s]+.
class WhitespaceWords : public PreTokenizer {
 public:
  void cut(WorkspaceState& work) const override;
};

class Metaspace : public PreTokenizer {
 public:
  enum class Prepend : uint8_t { always, first, never };
  Metaspace(std::string replacement, Prepend prepend, bool split)
      : replacement_(std::move(replacement)), prepend_(prepend), split_(split) {}
  void cut(WorkspaceState& work) const override;

 private:
  std::string replacement_;
  Prepend prepend_;
  bool split_;
};

// Bytes as characters of GPT-2's alphabet; `pattern` cuts before that. Where the model takes bytes as they are,
// `rewrite` is off and only the space in front and the cutting remain.
class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool add_space, std::optional<GptPattern> pattern, bool rewrite)
      : add_space_(add_space), pattern_(pattern), rewrite_(rewrite) {}
  void cut(WorkspaceState& work) const override;

 private:
  bool add_space_;
  std::optional<GptPattern> pattern_;
  bool rewrite_;
};

}  // namespace lathe::tokenize
