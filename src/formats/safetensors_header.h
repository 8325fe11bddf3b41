// The JSON at the head of a safetensors file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "tensor/tensor_view.h"

namespace lathe {

// data_offsets, as the file has them: nothing is checked against the data yet.
struct SafetensorsExtent {
  int64_t begin = 0, end = 0;
};

struct SafetensorsHeader {
  std::vector<TensorView> tensors;  // without bytes
  std::vector<SafetensorsExtent> extents;
  std::map<std::string, std::string> metadata;
};

// Reads events and keeps tensors alone: a document of values would take twenty times the text.
Result<SafetensorsHeader> read_safetensors_header(std::string_view json, std::string_view file);

}  // namespace lathe
