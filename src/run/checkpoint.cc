#include "run/checkpoint.h"

#include "base/atomic_file.h"
#include "formats/checkpoint_manifest.h"
#include "models/train_hf_config.h"
#include "run/checkpoint_tensors.h"
#include "run/tokenizer_files.h"

namespace lathe::run {
namespace {

using models::TrainModel;

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

Status write_texts(const std::string& folder, const CheckpointHead& head) {
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
  return write_file(folder + "/train.json", checkpoint_head_text(head));
}

}  // namespace

Status save_checkpoint(const std::string& path, const CheckpointHead& head, TrainModel& model) {
  return write_checkpoint(path, [&](const std::string& folder) {
    if (Status status = write_texts(folder, head); !status.ok()) return status;
    return write_learned(folder, model.tensors(), learned_by(model));
  });
}

Status load_checkpoint(const std::string& path, TrainModel& model) {
  return read_learned(path, model.tensors(), learned_by(model));
}

}  // namespace lathe::run
