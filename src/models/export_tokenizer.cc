#include "models/export_tokenizer.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "formats/hf_config.h"
#include "tokenize/export_vocab.h"

namespace lathe::models {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLongestTemplate = 1 << 20;  // bytes

// The ids of a field that is a number or an array of numbers; none where it is neither.
std::vector<int32_t> ids_of(const Fields& fields, std::string_view key, int64_t vocabulary) {
  std::vector<int32_t> ids;
  const auto add = [&](const FieldValue& value) {
    const int64_t* id = std::get_if<int64_t>(&value);
    if (id != nullptr && *id >= 0 && *id < vocabulary) ids.push_back(static_cast<int32_t>(*id));
    return true;
  };
  if (!fields.visit(key, add)) add(fields.at(key));
  return ids;
}

// Tokens that end an answer, the longer list first.
std::vector<int32_t> end_ids(const std::string& folder, const Fields& config, int64_t vocabulary) {
  const std::string generation = folder + "/generation_config.json";
  if (std::error_code error; fs::exists(generation, error))
    if (const auto extra = HfConfig::open(generation))
      if (auto ids = ids_of(*extra, "eos_token_id", vocabulary); !ids.empty()) return ids;
  return ids_of(config, "eos_token_id", vocabulary);
}

// chat_template.jinja, or a field of tokenizer_config.json. There may be none.
Result<std::string> chat_template(const std::string& folder) {
  std::error_code error;
  const std::string file = folder + "/chat_template.jinja", config = folder + "/tokenizer_config.json";
  if (fs::exists(file, error)) return read_file(file, kLongestTemplate);
  if (!fs::exists(config, error)) return std::string();
  const auto fields = HfConfig::open(config);
  if (!fields) return fields.status();
  const FieldValue text = fields->at("chat_template");
  const auto* found = std::get_if<std::string_view>(&text);
  return found == nullptr ? std::string() : std::string(*found);
}

void add_id(const char* name, int32_t id, GgufMetadata& to) {
  if (id >= 0) to.add(std::string("tokenizer.ggml.") + name, static_cast<uint32_t>(id));
}

void add_ids(const tokenize::VocabExport& vocab, const std::vector<int32_t>& ends, const Fields& config,
             int64_t vocabulary, GgufMetadata& to) {
  const auto begins = ids_of(config, "bos_token_id", vocabulary);
  const int32_t eos = vocab.special.eos >= 0 ? vocab.special.eos : ends.empty() ? -1 : ends.front();
  add_id("bos_token_id", vocab.special.bos >= 0 || begins.empty() ? vocab.special.bos : begins.front(), to);
  add_id("eos_token_id", eos, to);
  for (const int32_t id : ends)  // there is room for one more
    if (id != eos) {
      add_id("eot_token_id", id, to);
      break;
    }
  add_id("padding_token_id", vocab.special.pad, to);
  add_id("unknown_token_id", vocab.special.unk, to);
}

std::vector<std::string_view> views_of(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

void add_vocab(const tokenize::VocabExport& vocab, GgufMetadata& to) {
  const std::string at = "tokenizer.ggml.";
  to.add(at + "model", vocab.model);
  to.add(at + "pre", vocab.pre);
  to.add_array(at + "tokens", std::span<const std::string_view>(views_of(vocab.tokens)));
  to.add_array(at + "token_type", std::span<const int32_t>(vocab.token_types));
  if (!vocab.scores.empty()) to.add_array(at + "scores", std::span<const float>(vocab.scores));
  if (!vocab.merges.empty()) to.add_array(at + "merges", std::span<const std::string_view>(views_of(vocab.merges)));
  to.add(at + "add_bos_token", vocab.add_bos);
  to.add(at + "add_eos_token", vocab.add_eos);
  if (vocab.add_space_prefix) to.add(at + "add_space_prefix", *vocab.add_space_prefix);
}

}  // namespace

Status export_tokenizer(const ModelFiles& files, const Fields& config, int64_t vocabulary, GgufExport& made) {
  if (files.tokenizer.empty()) {
    made.metadata.add("tokenizer.ggml.model", "no_vocab");
    made.notes.push_back("the folder has no tokenizer, and so the file has none: prompts are ids");
    return {};
  }
  auto vocab = tokenize::export_vocab(files.config);
  if (!vocab) return vocab.status();
  const auto tokens = static_cast<int64_t>(vocab->tokens.size());
  if (tokens > vocabulary)
    return unsupported(files.tokenizer + ": has " + std::to_string(tokens) + " tokens, needed: at most the " +
                       std::to_string(vocabulary) + " of the model, as GGUF has one number for both");
  for (int64_t id = tokens; id < vocabulary; ++id) {  // rows of the table that nobody uses
    vocab->tokens.push_back("[PAD" + std::to_string(id) + "]");
    vocab->token_types.push_back(tokenize::kUnusedToken);
    if (!vocab->scores.empty()) vocab->scores.push_back(-1e4f);
  }
  add_vocab(*vocab, made.metadata);
  add_ids(*vocab, end_ids(files.config, config, vocabulary), config, vocabulary, made.metadata);
  const auto chat = chat_template(files.config);
  if (!chat) return chat.status();
  if (!chat->empty()) made.metadata.add("tokenizer.chat_template", *chat);
  made.notes.insert(made.notes.end(), vocab->notes.begin(), vocab->notes.end());
  return {};
}

}  // namespace lathe::models
