#include "run/checkpoint_fields.h"

#include "base/bounded_json.h"
#include "base/shown.h"

namespace lathe::run {

using Json = nlohmann::ordered_json;
using nlohmann::json;

void HeadReader::get(const char* key, int64_t& value, int64_t least, int64_t most) {
  const json* at = find(key);
  if (at == nullptr) return;
  const bool fits = at->is_number_integer() && !(at->is_number_unsigned() && at->get<uint64_t>() > INT64_MAX);
  if (!fits || at->get<int64_t>() < least || at->get<int64_t>() > most)
    return wrong(key, *at, std::to_string(least) + " to " + std::to_string(most));
  value = at->get<int64_t>();
}

void HeadReader::get(const char* key, double& value) {
  const json* at = find(key);
  if (at == nullptr) return;
  if (!at->is_number()) return wrong(key, *at, "a number");
  value = at->get<double>();
}

void HeadReader::get(const char* key, bool& value) {
  const json* at = find(key);
  if (at == nullptr) return;
  if (!at->is_boolean()) return wrong(key, *at, "true or false");
  value = at->get<bool>();
}

void HeadReader::get(const char* key, std::string& value) {
  const json* at = find(key);
  if (at == nullptr) return;
  if (!at->is_string()) return wrong(key, *at, "a text");
  value = at->get<std::string>();
}

const json* HeadReader::object(const char* key) {
  const json* at = find(key);
  if (at != nullptr && !at->is_object()) wrong(key, *at, "an object");
  return status_.ok() ? at : nullptr;
}

void HeadReader::version() {
  int64_t found = 0;
  get("version", found);
  if (status_.ok() && found != kCheckpointVersion)
    status_ = unsupported(file_ + ": version is " + std::to_string(found) +
                          ", needed: " + std::to_string(kCheckpointVersion));
}

const json* HeadReader::find(const char* key) {
  if (!status_.ok()) return nullptr;
  const auto at = object_.find(key);
  if (at != object_.end()) return &*at;
  status_ = corrupt(file_ + ": the field " + std::string(key) + " is absent, needed: what a checkpoint has there");
  return nullptr;
}

void HeadReader::wrong(const char* key, const json& found, const std::string& needed) {
  status_ = corrupt(file_ + ": " + key + " is " + shown(found.dump(-1, ' ', false, json::error_handler_t::replace)) +
                    ", needed: " + needed);
}

Result<json> parse_checkpoint_object(std::string_view text, const std::string& file) {
  auto root = parse_json(text, file, {.depth = 8, .token = 1 << 16, .values = 1000});
  if (root && !root->is_object()) return corrupt(file + ": is no JSON object, needed: one");
  return root;
}

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
  HeadReader reader(object, file + ": settings");
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
  HeadReader reader(object, file + ": state");
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

}  // namespace lathe::run
