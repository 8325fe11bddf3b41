// What turns one word, normalized and cut, into ids.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenize/workspace.h"

namespace lathe::tokenize {

class Model {
 public:
  virtual ~Model() = default;

  // Appends the ids of one word, which is not empty. The same word always has the same ids.
  void encode(std::string_view word, WorkspaceState& work, std::vector<int32_t>& out) const {
    if (work.cache.append_known(word, out)) return;
    encode_new(word, work, out);
  }

 private:
  virtual void encode_new(std::string_view word, WorkspaceState& work, std::vector<int32_t>& out) const = 0;
};

}  // namespace lathe::tokenize
