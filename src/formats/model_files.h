// From what a user calls a model to the files that it is made of.
#pragma once

#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe {

struct ModelFiles {
  enum class Format : uint8_t { safetensors, gguf, llama2c };
  Format format = Format::safetensors;
  std::string weights;    // a .gguf, .safetensors or llama2.c (.bin) file, or the index of shards
  std::string folder;     // the model's: modules.json and prompts lie here
  std::string config;     // the folder of config.json and the tokenizer: `folder`, or its 0_Transformer
  std::string tokenizer;  // the file that defines it; empty where there is none. GGUF: the weights themselves, maybe
};

// `model` is a folder, a .gguf, .safetensors, index or llama2.c file, or a Hugging Face name ("organisation/name", or a
// name alone) that lies in the cache `hub` (the folder of models--organisation--name; empty: there is none). What
// exists as a path is taken as one. Nothing is downloaded.
Result<ModelFiles> resolve_model(const std::string& model, const std::string& hub);

// What the cache calls the folder of a Hugging Face name: "models--org--name"; empty where it is no such name.
std::string hub_folder(std::string_view name);

// The snapshot of `name` that its branch main points to; an error says where it was looked for.
Result<std::string> hub_snapshot(std::string_view name, const std::string& hub);

}  // namespace lathe
