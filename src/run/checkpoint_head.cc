#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/bounded_json.h"
#include "base/shown.h"
#include "run/checkpoint.h"
#include "run/tokenizer_files.h"

namespace lathe::run {
namespace {

using Json = nlohmann::ordered_json;
using nlohmann::json;

constexpr int64_t kVersion = 1;
constexpr int64_t kMostHead = 1 << 20, kMostTokenizerFile = int64_t{256} << 20;

// Reads the fields of one object; the first that is wrong is remembered.
class Reader {
 public:
  Reader(const json& object, std::string file) : object_(object), file_(std::move(file)) {}

  void get(const char* key, int64_t& value, int64_t least, int64_t most) {
    const json* at = find(key);
    if (at == nullptr) return;
    const bool fits = at->is_number_integer() && !(at->is_number_unsigned() && at->get<uint64_t>() > INT64_MAX);
    if (!fits || at->get<int64_t>() < least || at->get<int64_t>() > most)
      return wrong(key, *at, std::to_string(least) + " to " + std::to_string(most));
    value = at->get<int64_t>();
  }
  void get(const char* key, int64_t& value) { get(key, value, INT64_MIN, INT64_MAX); }
  void get(const char* key, double& value) {
    const json* at = find(key);
    if (at == nullptr) return;
    if (!at->is_number()) return wrong(key, *at, "a number");
    value = at->get<double>();
  }
  void get(const char* key, bool& value) {
    const json* at = find(key);
    if (at == nullptr) return;
    if (!at->is_boolean()) return wrong(key, *at, "true or false");
    value = at->get<bool>();
  }
  void get(const char* key, std::string& value) {
    const json* at = find(key);
    if (at == nullptr) return;
    if (!at->is_string()) return wrong(key, *at, "a text");
    value = at->get<std::string>();
  }
  const json* object(const char* key) {
    const json* at = find(key);
    if (at != nullptr && !at->is_object()) wrong(key, *at, "an object");
    return status_.ok() ? at : nullptr;
  }
  const Status& status() const { return status_; }

 private:
  const json* find(const char* key) {
    if (!status_.ok()) return nullptr;
    const auto at = object_.find(key);
    if (at != object_.end()) return &*at;
    status_ = corrupt(file_ + ": the field " + std::string(key) + " is absent, needed: what a checkpoint has there");
    return nullptr;
  }
  void wrong(const char* key, const json& found, const std::string& needed) {
    status_ = corrupt(file_ + ": " + key + " is " + shown(found.dump(-1, ' ', false, json::error_handler_t::replace)) +
                      ", needed: " + needed);
  }

  const json& object_;
  const std::string file_;
  Status status_;
};

Json settings_json(const TrainSettings& settings) {
  Json out;
  visit_settings(settings, [&](const char* name, const auto& value, bool) { out[name] = value; });
  return out;
}

Json state_json(const TrainState& s) {
  return {{"step", s.step},
          {"position", s.position},
          {"loss_sum", s.loss.sum},
          {"loss_weight", s.loss.weight},
          {"validation_sum", s.validation.sum},
          {"validation_weight", s.validation.weight},
          {"best_step", s.best_step},
          {"best", s.best}};
}

Status read_settings(const json& object, const std::string& file, TrainSettings& settings, int64_t positions) {
  Reader reader(object, file + ": settings");
  visit_settings(settings, [&](const char* name, auto& value, bool) {
    if (std::string_view(name) == "precision" && !object.contains(name)) return;  // an older one: f32
    reader.get(name, value);
  });
  if (!reader.status().ok()) return reader.status();
  TrainSettings resolved = settings;
  if (Status status = resolve(resolved, positions); !status.ok())
    return corrupt(file + ": settings: " + status.message());
  return resolved == settings ? Status()
                              : corrupt(file + ": settings: a number is left to a rule, needed: all of them");
}

Status read_state(const json& object, const std::string& file, TrainState& s) {
  Reader reader(object, file + ": state");
  constexpr int64_t kMost = int64_t{1} << 60;
  reader.get("step", s.step, 0, kMost);
  reader.get("position", s.position, 0, kMost);
  reader.get("loss_sum", s.loss.sum);
  reader.get("loss_weight", s.loss.weight);
  reader.get("validation_sum", s.validation.sum);
  reader.get("validation_weight", s.validation.weight);
  reader.get("best_step", s.best_step, 0, kMost);
  reader.get("best", s.best);
  return reader.status();
}

}  // namespace

std::string checkpoint_head_text(const CheckpointHead& head) {
  const Json out = {{"version", kVersion},
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
  const auto root = parse_json(text, file, {.depth = 8, .token = 1 << 16, .values = 1000});
  if (!root) return root.status();
  if (!root->is_object()) return corrupt(file + ": is no JSON object, needed: one");
  CheckpointHead head;
  Reader reader(*root, file);
  int64_t version = 0, separator = -1;
  reader.get("version", version);
  if (reader.status().ok() && version != kVersion)
    return unsupported(file + ": version is " + std::to_string(version) + ", needed: " + std::to_string(kVersion));
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
  const auto text = read_file(file, kMostHead);
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
