#include "models/pass_model.h"

#include <algorithm>

namespace lathe::models {
namespace {

Status reallocate(Buffer& buffer, int64_t bytes) {
  buffer = Buffer();  // first, so that the two never stand side by side
  auto made = Buffer::create(bytes);
  if (!made) return made.status();
  buffer = std::move(*made);
  return {};
}

}  // namespace

Status PassModel::reserve(int64_t tokens) {
  if (tokens <= capacity_) return {};
  capacity_ = 0;
  for (const auto& [buffer, bytes] : needs(tokens))
    if (Status status = reallocate(buffer, bytes); !status.ok()) return status;
  capacity_ = tokens;
  return {};
}

Result<std::vector<std::span<const std::byte>>> PassModel::pass_memory(int64_t tokens) {
  if (Status status = reserve(tokens); !status.ok()) return status;
  std::vector<std::span<const std::byte>> memory;
  for (const auto& [buffer, bytes] : needs(tokens)) memory.emplace_back(buffer.data(), buffer.size());
  return memory;
}

Status PassModel::shrink(int64_t tokens) {
  if (capacity_ <= tokens) return {};
  capacity_ = 0;
  const int64_t workspace = std::max<int64_t>(64, shrink_plans(tokens));
  if (Status status = reallocate(products_, workspace); !status.ok()) return status;
  return reserve(tokens);
}

Status PassModel::reserve_products(int64_t bytes) {
  return bytes <= static_cast<int64_t>(products_.size()) ? Status() : reallocate(products_, bytes);
}

}  // namespace lathe::models
