#include "models/llama2c_tokenizer.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "platform/mapped_file.h"

namespace lathe::models {
namespace {

constexpr size_t kBytes = 3, kBehindBytes = kBytes + 256;  // ids of the pieces that stand for bytes
enum TokenType : int32_t { kNormal = 1, kUnknown, kControl, kByte = 6 };

int32_t type_of(size_t id) {
  if (id == 0) return kUnknown;
  if (id < kBytes) return kControl;
  return id < kBehindBytes ? kByte : kNormal;
}

// Blanks become the mark that SentencePiece's pieces have in their place.
std::string marked(std::string_view piece) {
  std::string text;
  for (const char c : piece) c == ' ' ? text += "\u2581" : text += c;
  return text;
}

// use(vocabulary as GGUF has it), whose views live as long as the call.
template <class Use>
auto with_vocab(const Llama2cVocabulary& vocabulary, const std::string& file, const Use& use)
    -> decltype(use(tokenize::GgufVocab())) {
  if (vocabulary.pieces.size() < kBehindBytes)
    return corrupt(file + ": the vocabulary has " + std::to_string(vocabulary.pieces.size()) +
                   " pieces, needed: " + std::to_string(kBehindBytes) + " and more");
  std::vector<std::string> pieces;
  std::vector<int32_t> types;
  for (size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    pieces.push_back(marked(vocabulary.pieces[id]));
    types.push_back(type_of(id));
  }
  pieces[1] = "<s>";  // which the file has between line feeds
  pieces[2] = "</s>";
  const std::vector<std::string_view> tokens(pieces.begin(), pieces.end());
  return use({.model = "llama",
              .tokens = tokens,
              .scores = vocabulary.scores,
              .token_types = types,
              .special = {.bos = 1, .eos = 2, .unk = 0},
              .add_bos = true,
              .add_eos = false,
              .add_space_prefix = true});
}

// use(vocabulary, its file) of the one beside a checkpoint with so many tokens.
template <class Use>
auto with_vocab_beside(const std::string& checkpoint, int64_t vocabulary, const Use& use)
    -> decltype(use(Llama2cVocabulary(), std::string())) {
  const auto path = llama2c_tokenizer_beside(checkpoint, vocabulary);
  if (!path) return path.status();
  const auto file = MappedFile::open(*path);
  if (!file) return file.status();
  const auto content = Llama2cVocabulary::parse(file->bytes(), *path);
  if (!content) return content.status();
  if (static_cast<int64_t>(content->pieces.size()) != vocabulary)
    return corrupt(*path + ": the vocabulary has " + std::to_string(content->pieces.size()) +
                   " pieces, needed: " + std::to_string(vocabulary) + ", as " + checkpoint + " has");
  return use(*content, *path);
}

}  // namespace

Result<tokenize::Tokenizer> tokenizer_of(const Llama2cVocabulary& vocabulary, const std::string& file) {
  return with_vocab(vocabulary, file,
                    [&](const tokenize::GgufVocab& vocab) { return tokenize::Tokenizer::from_gguf(file, vocab); });
}

Result<tokenize::Tokenizer> open_llama2c_tokenizer(const std::string& checkpoint, int64_t vocabulary) {
  return with_vocab_beside(checkpoint, vocabulary, tokenizer_of);
}

Result<tokenize::JsonExport> llama2c_tokenizer_json(const std::string& checkpoint, int64_t vocabulary) {
  return with_vocab_beside(checkpoint, vocabulary, [](const Llama2cVocabulary& content, const std::string& file) {
    return with_vocab(content, file,
                      [&](const tokenize::GgufVocab& vocab) { return tokenize::export_json(file, vocab, ""); });
  });
}

}  // namespace lathe::models
