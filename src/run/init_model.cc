#include "run/init_model.h"

#include <algorithm>
#include <cstring>

#include "base/shown.h"
#include "run/hf_copy.h"
#include "run/run_folder.h"
#include "run/tensor_stream.h"

namespace lathe::run {

Result<ModelFiles> resolve_run_or_model(const std::string& model, const std::string& hub) {
  if (RunFolder(model).steps().empty()) return resolve_model(model, hub);
  const auto checkpoint = trained_model(model);
  if (!checkpoint) return checkpoint.status();
  return resolve_model(*checkpoint, hub);
}

Status read_pretrained(const models::Pretrained& model, int threads, std::span<float> weights) {
  auto left = std::as_writable_bytes(weights);
  return write_tensors(model.files, model.tensors, threads, {}, [&](std::span<const std::byte> bytes) {
    std::memcpy(left.data(), bytes.data(), bytes.size());
    left = left.subspan(bytes.size());
    return Status();
  });
}

Status check_same_vocabulary(const tokenize::Tokenizer& data, const std::string& data_name,
                             const tokenize::Tokenizer& model, const std::string& model_name) {
  for (int32_t id = 0; id < data.vocab_size(); ++id) {
    if (id < model.vocab_size() && data.piece(id) == model.piece(id)) continue;
    return invalid_argument(
        data_name + ": token " + std::to_string(id) + " is " + shown(data.piece(id)) + ", and in " + model_name +
        " it is " + (id < model.vocab_size() ? shown(model.piece(id)) : std::string("none")) +
        ", needed: data of the model's vocabulary, as 'lathe data build --tokenizer " + model_name + "' makes them");
  }
  return {};
}

}  // namespace lathe::run
