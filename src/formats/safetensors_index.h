// model.safetensors.index.json: which shard holds which tensor.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe {

// Reads the index again and again instead of keeping it: as a document it would take ten times its text. `each` gets
// the pairs of weight_map; a Status that is not ok ends the reading.
using IndexEntry = std::function<Status(const std::string& tensor, const std::string& shard)>;
Status read_safetensors_index(std::string_view json, std::string_view file, const IndexEntry& each);

// The shards that it names, sorted: files beside the index, by no path that leads elsewhere.
Result<std::vector<std::string>> safetensors_shards(std::string_view json, std::string_view file);

}  // namespace lathe
