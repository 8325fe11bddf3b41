// The JSON at the head of a safetensors file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "lathe/status.h"
#include "tensor/shape.h"

namespace lathe {

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  int64_t begin = 0, end = 0;  // data_offsets, as the file has them: nothing is checked against the data yet
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

// Reads events and keeps entries alone, so that memory is a few times the entries' own and not the text's twentyfold.
Result<SafetensorsHeader> read_safetensors_header(std::string_view json, std::string_view file);

}  // namespace lathe
