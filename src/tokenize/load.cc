// From a path to a tokenizer: which files there are decides which factory reads them.
#include <fmt/format.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "tokenize/tokenizer.h"

namespace lathe::tokenize {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargestFile = int64_t{256} << 20;  // Gemma's tokenizer.json has 33 MB

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// The text of a companion, empty where it is not there.
Result<std::string> read_beside(const fs::path& folder, const char* name) {
  const fs::path path = folder / name;
  return is_file(path) ? read_file(path.string(), kLargestFile) : Result<std::string>(std::string());
}

Result<Tokenizer> load_file(const fs::path& path) {
  const auto text = read_file(path.string(), kLargestFile);
  if (!text.ok()) return text.status();
  const fs::path folder = path.parent_path();
  const auto config = read_beside(folder, "tokenizer_config.json");
  if (!config.ok()) return config.status();
  const auto map = read_beside(folder, "special_tokens_map.json");
  if (!map.ok()) return map.status();
  const auto added = read_beside(folder, "added_tokens.json");
  if (!added.ok()) return added.status();
  const Companions beside{*config, *map, *added};
  const std::string name = path.string();
  if (path.filename() == "vocab.json") {
    const auto merges = read_file((folder / "merges.txt").string(), kLargestFile);
    if (!merges.ok()) return merges.status();
    return Tokenizer::from_vocab_and_merges(name, *text, *merges, beside);
  }
  if (path.extension() == ".json") return Tokenizer::from_json(name, *text, beside);
  if (path.extension() == ".txt") return Tokenizer::from_vocab_txt(name, *text, beside);
  if (path.extension() == ".model") return Tokenizer::from_sentencepiece(name, *text, beside);
  return unsupported(
      fmt::format("{}: its name says of no tokenizer; needed a name that ends in .json, .txt or .model", name));
}

}  // namespace

Result<Tokenizer> Tokenizer::load(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return load_file(path);
  for (const char* name :
       {"tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "sentencepiece.bpe.model", "spiece.model"})
    if (is_file(fs::path(path) / name)) return load_file(fs::path(path) / name);
  return not_found(
      fmt::format("{}: found no tokenizer; needed tokenizer.json, vocab.txt, vocab.json with merges.txt, "
                  "tokenizer.model, sentencepiece.bpe.model or spiece.model",
                  path));
}

}  // namespace lathe::tokenize
