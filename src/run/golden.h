// golden.json: texts and their vectors as another implementation computed them. tools/make_golden.py writes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe::run {

inline constexpr std::string_view kGoldenFile = "golden.json";

struct Golden {
  std::string made_by;  // "sentence-transformers 5.1.0"
  std::vector<std::string> texts;
  std::vector<std::vector<float>> vectors;  // one per text, all of one length
};

Result<Golden> read_golden(const std::string& path);

}  // namespace lathe::run
