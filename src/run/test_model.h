// For tests: a small BERT with random weights and a vocabulary of a few words, as a folder that Hugging Face would
// write.
#pragma once

#include <string>
#include <string_view>

#include "base/test_files.h"
#include "formats/fake_bytes.h"
#include "models/test_bert.h"

namespace lathe::run::testing {

// Writes the files into `folder`, or into the folder `below` it.
inline void write_model(const FakeFolder& folder, const std::string& below, std::string_view more_words = "",
                        float first_weight = 0.5f) {
  const std::string at = below.empty() ? "" : below + "/";
  models::testing::TestBert bert;
  bert.values.front().second.front() = first_weight;
  std::string header = "{", data;
  for (const TensorView& view : bert.views) {
    header += (header.size() > 1 ? ", \"" : "\"") + view.name + R"(": {"dtype": "F32", "shape": )" + view.shape.text() +
              ", \"data_offsets\": [" + std::to_string(data.size()) + ", ";
    data.append(reinterpret_cast<const char*>(view.bytes.data()), view.bytes.size());
    header += std::to_string(data.size()) + "]}";
  }
  folder.write(at + "model.safetensors", safetensors_bytes(header + "}", data));
  folder.write(at + "config.json", R"({"model_type": "bert", "hidden_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "intermediate_size": 80, "vocab_size": 60, "max_position_embeddings": 90,
    "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"})");
  std::string words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\none\ntwo\nthree\nfour\n##s\n";
  words += more_words;
  folder.write(at + "vocab.txt", words);
}

struct TestModel {
  FakeFolder folder;

  explicit TestModel(const std::string& name, float first_weight = 0.5f) : folder(name) {
    write_model(folder, "", "x\n", first_weight);
  }
};

}  // namespace lathe::run::testing
