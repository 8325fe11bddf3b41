#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "run/checkpoint.h"
#include "run/checkpoint_fields.h"
#include "run/tokenizer_files.h"

namespace lathe::run {
namespace {

using Json = nlohmann::ordered_json;
using nlohmann::json;

constexpr int64_t kMostTokenizerFile = int64_t{256} << 20;

}  // namespace

std::string checkpoint_head_text(const CheckpointHead& head) {
  const Json out = {{"version", kCheckpointVersion},
                    {"model", Json::parse(models::train_config_json(head.config))},
                    {"settings", settings_json(head.settings)},
                    {"state", state_json(head.state)},
                    {"data", head.data},
                    {"data_sha256", head.data_sha256},
                    {"validation_data", head.validation_data},
                    {"validation_data_sha256", head.validation_data_sha256},
                    {"separator", head.separator}};
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<CheckpointHead> parse_checkpoint_head(std::string_view text, const std::string& file) {
  const auto root = parse_checkpoint_object(text, file);
  if (!root) return root.status();
  if (root->contains("objective"))
    return unsupported(file + ": is the checkpoint of a run on pairs of texts, needed: one of a decoder");
  CheckpointHead head;
  HeadReader reader(*root, file);
  int64_t separator = -1;
  reader.version();
  const json* model = reader.object("model");
  const json* settings = reader.object("settings");
  const json* state = reader.object("state");
  reader.get("data", head.data);
  reader.get("data_sha256", head.data_sha256);
  reader.get("validation_data", head.validation_data);
  reader.get("validation_data_sha256", head.validation_data_sha256);
  reader.get("separator", separator, -1, INT32_MAX);
  if (!reader.status().ok()) return reader.status();
  head.separator = static_cast<int32_t>(separator);
  auto config = models::parse_train_config(model->dump(), file + ": model");
  if (!config) return config.status();
  if (Status status = models::check_train_config(*config); !status.ok()) return status;
  head.config = *config;
  if (Status status = read_settings(*settings, file, head.settings, head.config.context); !status.ok()) return status;
  if (Status status = read_state(*state, file, head.state); !status.ok()) return status;
  return head;
}

Result<CheckpointHead> read_checkpoint_head(const std::string& path) {
  const std::string file = path + "/train.json";
  const auto text = read_file(file, kMostCheckpointHead);
  if (!text) return text.status();
  auto head = parse_checkpoint_head(*text, file);
  if (!head) return head.status();
  for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.txt", "vocab.json", "merges.txt",
                           "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}) {
    auto bytes = read_file(path + "/" + name, kMostTokenizerFile);
    if (bytes) head->tokenizer.push_back({name, std::move(*bytes)});
    if (!bytes && bytes.status().code() != Code::not_found) return bytes.status();
  }
  return head;
}

}  // namespace lathe::run
