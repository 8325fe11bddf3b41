#include "run/tokenizer_files.h"

#include <filesystem>
#include <string_view>

#include "base/atomic_file.h"
#include "models/gguf_tokenizer.h"
#include "models/llama2c_tokenizer.h"
#include "run/init_model.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargestFile = int64_t{256} << 20;  // as the tokenizers' room has it
constexpr const char* kCompanions[] = {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"};

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// The file of a folder that defines its tokenizer, or the path itself.
fs::path definition(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  for (const char* name :
       {"tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "sentencepiece.bpe.model", "spiece.model"})
    if (is_file(path / name)) return path / name;
  return path;  // of which Tokenizer::load says what is missing
}

// What such a file is called in a Hugging Face folder.
std::string usual_name(const fs::path& path) {
  if (path.filename() == "vocab.json") return "vocab.json";
  const std::string extension = path.extension();
  return extension == ".json" ? "tokenizer.json" : extension == ".txt" ? "vocab.txt" : "tokenizer.model";
}

Status add(const fs::path& path, std::string name, std::vector<NamedFile>& files) {
  auto bytes = read_file(path.string(), kLargestFile);
  if (!bytes) return bytes.status();
  files.push_back({std::move(name), std::move(*bytes)});
  return {};
}

std::string_view bytes_of(const std::vector<NamedFile>& files, std::string_view name) {
  for (const NamedFile& file : files)
    if (file.name == name) return file.bytes;
  return {};
}

// Of a tokenizer's file or a folder that holds one.
Result<std::vector<NamedFile>> read_own_files(const std::string& path) {
  if (const auto loaded = tokenize::Tokenizer::load(path); !loaded) return loaded.status();
  const fs::path main = definition(path), folder = main.parent_path();
  std::vector<NamedFile> files;
  if (Status status = add(main, usual_name(main), files); !status.ok()) return status;
  if (files.front().name == "vocab.json")
    if (Status status = add(folder / "merges.txt", "merges.txt", files); !status.ok()) return status;
  for (const char* name : kCompanions)
    if (is_file(folder / name))
      if (Status status = add(folder / name, name, files); !status.ok()) return status;
  return files;
}

}  // namespace

Result<std::vector<NamedFile>> read_tokenizer_files(const models::WeightFiles& model) {
  const Gguf* gguf = model.gguf();
  if (gguf == nullptr && model.llama2c() == nullptr) return read_own_files(model.files().config);
  if (gguf != nullptr && !gguf->has("tokenizer.ggml.model"))
    return not_found(gguf->file() + ": carries no tokenizer, needed: the fields tokenizer.ggml.*");
  auto made = gguf != nullptr
                  ? models::tokenizer_json_of(*gguf)
                  : models::llama2c_tokenizer_json(model.files().weights, model.llama2c()->header.vocabulary);
  if (!made) return made.status();
  return std::vector<NamedFile>{{"tokenizer.json", std::move(made->tokenizer)},
                                {kCompanions[0], std::move(made->config)}};
}

Result<std::vector<NamedFile>> read_tokenizer_files(const std::string& path, const std::string& hub) {
  const fs::path main = definition(path);
  const std::string extension = main.extension();
  const bool own = is_file(main) && extension != ".gguf" && extension != ".bin";
  std::error_code error;
  if (own || (!fs::exists(path, error) && hub.empty())) return read_own_files(path);
  const auto files = resolve_run_or_model(path, hub);
  if (!files) return files.status();
  const auto model = models::WeightFiles::open(*files);
  if (!model) return model.status();
  return read_tokenizer_files(*model);
}

Result<tokenize::Tokenizer> tokenizer_of(const std::vector<NamedFile>& files, const std::string& name) {
  const tokenize::Companions beside = {bytes_of(files, kCompanions[0]), bytes_of(files, kCompanions[1]),
                                       bytes_of(files, kCompanions[2])};
  for (const NamedFile& file : files) {
    const std::string called = name + ": " + file.name;
    if (file.name == "tokenizer.json") return tokenize::Tokenizer::from_json(called, file.bytes, beside);
    if (file.name == "vocab.txt") return tokenize::Tokenizer::from_vocab_txt(called, file.bytes, beside);
    if (file.name == "tokenizer.model") return tokenize::Tokenizer::from_sentencepiece(called, file.bytes, beside);
    if (file.name == "vocab.json")
      return tokenize::Tokenizer::from_vocab_and_merges(called, file.bytes, bytes_of(files, "merges.txt"), beside);
  }
  return not_found(name + ": carries no tokenizer, needed: tokenizer.json, tokenizer.model, vocab.txt or vocab.json");
}

}  // namespace lathe::run
