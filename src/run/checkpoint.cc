#include "run/checkpoint.h"

#include "base/atomic_file.h"
#include "formats/checkpoint_manifest.h"
#include "formats/safetensors.h"
#include "formats/safetensors_writer.h"
#include "models/train_hf_config.h"
#include "run/checkpoint_tensors.h"
#include "run/tokenizer_files.h"

namespace lathe::run {
namespace {

using models::TrainModel;

constexpr const char *kFirst = "first.", *kSecond = "second.";  // moments, before the name of their tensor

using Part = CheckpointPart;

bool has(const std::vector<NamedFile>& files, std::string_view name) {
  for (const NamedFile& file : files)
    if (file.name == name) return true;
  return false;
}

// What transformers asks for beside a tokenizer's file, where its owner had none.
std::string tokenizer_config(const std::vector<NamedFile>& files) {
  return has(files, "tokenizer.model")
             ? "{\n  \"tokenizer_class\": \"LlamaTokenizer\",\n  \"add_bos_token\": true,\n  \"add_eos_token\": "
               "false,\n"
               "  \"bos_token\": \"<s>\",\n  \"eos_token\": \"</s>\",\n  \"unk_token\": \"<unk>\"\n}\n"
             : "{\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n  \"clean_up_tokenization_spaces\": false\n}\n";
}

Status write_model(const std::string& folder, const CheckpointHead& head, TrainModel& model) {
  int32_t bos = -1, eos = head.separator;
  if (!head.tokenizer.empty()) {
    const auto tokenizer = tokenizer_of(head.tokenizer, folder);
    if (!tokenizer) return tokenizer.status();
    bos = tokenizer->special().bos;
    if (tokenizer->special().eos >= 0) eos = tokenizer->special().eos;
  }
  for (const NamedFile& file : head.tokenizer)
    if (Status status = write_file(folder + "/" + file.name, file.bytes); !status.ok()) return status;
  if (!head.tokenizer.empty() && !has(head.tokenizer, "tokenizer_config.json"))
    if (Status status = write_file(folder + "/tokenizer_config.json", tokenizer_config(head.tokenizer)); !status.ok())
      return status;
  if (Status status = write_file(folder + "/config.json", models::train_hf_config(head.config, bos, eos)); !status.ok())
    return status;
  const Part weights[] = {{"", model.weights()}};
  return write_tensors(folder, "model", model.tensors(), weights, kShardBytes);
}

}  // namespace

Status save_checkpoint(const std::string& path, const CheckpointHead& head, TrainModel& model) {
  return write_checkpoint(path, [&](const std::string& folder) {
    if (Status status = write_model(folder, head, model); !status.ok()) return status;
    const Part moments[] = {{kFirst, model.first_moments()}, {kSecond, model.second_moments()}};
    if (Status status = write_tensors(folder, "optimizer", model.tensors(), moments, INT64_MAX); !status.ok())
      return status;
    return write_file(folder + "/train.json", checkpoint_head_text(head));
  });
}

Status load_checkpoint(const std::string& path, TrainModel& model) {
  const auto weights = open_safetensors(path);
  if (!weights) return weights.status();
  if (Status status = read_tensors(weights->tensors, "", model.tensors(), model.weights()); !status.ok())
    return corrupt(path + ": " + status.message());
  const auto moments = open_safetensors(path + "/optimizer.safetensors");
  if (!moments) return moments.status();
  Status status = read_tensors(moments->tensors, kFirst, model.tensors(), model.first_moments());
  if (status.ok()) status = read_tensors(moments->tensors, kSecond, model.tensors(), model.second_moments());
  return status.ok() ? status : corrupt(path + ": " + status.message());
}

}  // namespace lathe::run
