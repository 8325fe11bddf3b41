// What train.json of every run has: fields read with a sentence for the first that is wrong, settings, state.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lathe/status.h"
#include "run/train_settings.h"
#include "run/train_state.h"

namespace lathe::run {

constexpr int64_t kCheckpointVersion = 1;
constexpr int64_t kMostCheckpointHead = 1 << 20;  // bytes of train.json

// Reads the fields of one object; the first that is wrong is remembered.
class HeadReader {
 public:
  HeadReader(const nlohmann::json& object, std::string file) : object_(object), file_(std::move(file)) {}

  void get(const char* key, int64_t& value, int64_t least = INT64_MIN, int64_t most = INT64_MAX);
  void get(const char* key, double& value);
  void get(const char* key, bool& value);
  void get(const char* key, std::string& value);
  const nlohmann::json* object(const char* key);  // nullptr where something is wrong
  void version();
  const Status& status() const { return status_; }

 private:
  const nlohmann::json* find(const char* key);
  void wrong(const char* key, const nlohmann::json& found, const std::string& needed);

  const nlohmann::json& object_;
  const std::string file_;
  Status status_;
};

// The object that the text is.
Result<nlohmann::json> parse_checkpoint_object(std::string_view text, const std::string& file);

nlohmann::ordered_json settings_json(const TrainSettings& settings);
nlohmann::ordered_json state_json(const TrainState& state);
// Of a model of `positions`.
Status read_settings(const nlohmann::json& object, const std::string& file, TrainSettings& settings, int64_t positions);
Status read_state(const nlohmann::json& object, const std::string& file, TrainState& state);

}  // namespace lathe::run
