// Safetensors: a header of JSON that says where each tensor lies in the bytes behind it.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "platform/mapped_file.h"
#include "tensor/tensor_table.h"

namespace lathe {

using TensorMetadata = std::map<std::string, std::string>;

struct SafetensorsContent {
  std::vector<TensorView> tensors;  // in the order of the header
  TensorMetadata metadata;
};

// The content of one file, whose name is for errors. The tensors lead into `bytes`.
Result<SafetensorsContent> parse_safetensors(std::span<const std::byte> bytes, std::string_view file);

// The tensors of a model with the files that hold them.
struct Safetensors {
  std::vector<MappedFile> files;
  TensorTable tensors;
  TensorMetadata metadata;  // of the first file
};

// `path` is a .safetensors file, an index (model.safetensors.index.json), or a folder that holds
// model.safetensors or its index.
Result<Safetensors> open_safetensors(const std::string& path);

}  // namespace lathe
