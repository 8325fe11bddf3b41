#include "run/pairs_checkpoint.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/shown.h"
#include "run/checkpoint_fields.h"
#include "run/run_folder.h"

namespace lathe::run {
namespace {

using Json = nlohmann::ordered_json;
using nlohmann::json;

constexpr int64_t kMostContext = 1 << 30;  // tokens; the model's own limit is checked with the model

bool is_pairs_checkpoint(const std::string& checkpoint) {
  const std::string file = checkpoint + "/train.json";
  const auto text = read_file(file, kMostCheckpointHead);
  const auto root = text ? parse_checkpoint_object(*text, file) : Result<json>(text.status());
  return root && root->contains("objective");
}

}  // namespace

std::string pairs_head_text(const PairsHead& head) {
  const Json out = {
      {"version", kCheckpointVersion},
      {"objective", "contrastive"},
      {"init", head.init},
      {"settings", settings_json(head.settings)},
      {"temperature", head.temperature},
      {"validation", head.validation},
      {"fields",
       {{"anchor", head.fields.anchor}, {"positive", head.fields.positive}, {"negative", head.fields.negative}}},
      {"state", state_json(head.state)},
      {"data", head.data},
      {"data_sha256", head.data_sha256},
      {"validation_data", head.validation_data},
      {"validation_data_sha256", head.validation_data_sha256}};
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<PairsHead> parse_pairs_head(std::string_view text, const std::string& file) {
  const auto root = parse_checkpoint_object(text, file);
  if (!root) return root.status();
  if (!root->contains("objective"))
    return unsupported(file + ": is the checkpoint of a decoder, needed: one of a run on pairs of texts");
  PairsHead head;
  std::string objective;
  HeadReader reader(*root, file);
  reader.version();
  reader.get("objective", objective);
  const json* settings = reader.object("settings");
  const json* fields = reader.object("fields");
  const json* state = reader.object("state");
  reader.get("init", head.init);
  reader.get("temperature", head.temperature);
  reader.get("validation", head.validation);
  reader.get("data", head.data);
  reader.get("data_sha256", head.data_sha256);
  reader.get("validation_data", head.validation_data);
  reader.get("validation_data_sha256", head.validation_data_sha256);
  if (!reader.status().ok()) return reader.status();
  if (objective != "contrastive")
    return unsupported(file + ": objective is " + shown(objective) + ", needed: contrastive");
  HeadReader names(*fields, file + ": fields");
  names.get("anchor", head.fields.anchor);
  names.get("positive", head.fields.positive);
  names.get("negative", head.fields.negative);
  if (!names.status().ok()) return names.status();
  if (Status status = read_settings(*settings, file, head.settings, kMostContext); !status.ok()) return status;
  if (Status status = read_state(*state, file, head.state); !status.ok()) return status;
  return head;
}

Result<PairsHead> read_pairs_head(const std::string& checkpoint) {
  const std::string file = checkpoint + "/train.json";
  const auto text = read_file(file, kMostCheckpointHead);
  if (!text) return text.status();
  return parse_pairs_head(*text, file);
}

bool holds_pairs_run(const std::string& resume) {
  if (is_pairs_checkpoint(resume)) return true;
  const RunFolder folder(resume);
  return std::ranges::any_of(folder.steps(),
                             [&](int64_t step) { return is_pairs_checkpoint(folder.checkpoint_path(step)); });
}

}  // namespace lathe::run
