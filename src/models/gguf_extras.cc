#include "models/gguf_extras.h"

#include <iterator>
#include <string>
#include <utility>

namespace lathe::models {
namespace {

// The numbers that llama.cpp gives them; 0 is "none", which leaves the choice to the user.
Result<Pooling> pooling_of(const Gguf& file, const std::string& key) {
  const auto type = file.int_or(key, 1, {0, 4});
  if (!type) return type.status();
  switch (*type) {
    case 0:
    case 1:
      return Pooling::mean;
    case 2:
      return Pooling::cls;
    case 3:
      return Pooling::last_token;
    default:
      return unsupported(file.file() + ": " + key + " is 4 (rank), needed: 1 (mean), 2 (cls) or 3 (last)");
  }
}

// Of EmbeddingGemma's model card. The names are those of its own files where they have the task.
constexpr std::pair<const char*, const char*> kGemmaPrompts[] = {
    {"query", "task: search result | query: "},
    {"document", "title: none | text: "},
    {"QuestionAnswering", "task: question answering | query: "},
    {"FactVerification", "task: fact checking | query: "},
    {"Classification", "task: classification | query: "},
    {"Clustering", "task: clustering | query: "},
    {"STS", "task: sentence similarity | query: "},
    {"InstructionRetrieval", "task: code retrieval | query: "},
};

}  // namespace

Result<SentenceTransformer> gguf_extras(const Gguf& file, std::string_view architecture) {
  SentenceTransformer extras;
  const auto pooling = pooling_of(file, std::string(architecture) + ".pooling_type");
  if (!pooling) return pooling.status();
  extras.pooling = {*pooling};
  extras.normalize = true;
  if (architecture == "gemma-embedding")
    extras.prompts.assign(std::begin(kGemmaPrompts), std::end(kGemmaPrompts));  // the format has no field for them
  for (const char* name : {"dense_2", "dense_3"}) {
    const TensorView* weight = file.tensors().find(std::string(name) + ".weight");
    if (weight == nullptr) continue;
    if (weight->shape.rank() != 2)
      return corrupt(file.file() + ": tensor " + weight->name + " has the shape " + weight->shape.text() +
                     ", needed: two dimensions");
    DenseLayer dense;
    dense.out = weight->shape[0];
    dense.in = weight->shape[1];
    dense.activation = "Identity";  // the converter keeps no other
    dense.weight = weight;
    const std::string bias = std::string(name) + ".bias";
    if (file.tensors().find(bias) != nullptr) {
      const auto found = file.tensors().require(bias, {dense.out});
      if (!found) return found.status();
      dense.bias = *found;
    }
    extras.dense.push_back(std::move(dense));
  }
  return extras;
}

}  // namespace lathe::models
