#include "tensor/tensor_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/shown.h"

namespace lathe {

Result<TensorTable> TensorTable::create(std::vector<TensorView> tensors, std::string file) {
  TensorTable table;
  table.tensors_ = std::move(tensors);
  table.file_ = std::move(file);
  const auto name = [&table](uint32_t i) -> const std::string& { return table.tensors_[i].name; };
  table.by_name_.resize(table.tensors_.size());
  std::iota(table.by_name_.begin(), table.by_name_.end(), 0u);
  std::ranges::sort(table.by_name_, {}, name);
  const auto twice = std::ranges::adjacent_find(table.by_name_, {}, name);
  if (twice != table.by_name_.end())
    return corrupt(
        fmt::format("{}: tensor {} is there twice, needed: each name once", table.file_, shown(name(*twice))));
  return table;
}

const TensorView* TensorTable::find(std::string_view name) const {
  const auto name_of = [this](uint32_t i) -> std::string_view { return tensors_[i].name; };
  const auto at = std::ranges::lower_bound(by_name_, name, {}, name_of);
  return at != by_name_.end() && name_of(*at) == name ? &tensors_[*at] : nullptr;
}

Result<const TensorView*> TensorTable::require(std::string_view name) const {
  if (const TensorView* tensor = find(name)) return tensor;
  return not_found(
      fmt::format("{}: tensor {} is not among its {}, needed by the model", file_, shown(name), tensors_.size()));
}

Result<const TensorView*> TensorTable::require(std::string_view name, const Shape& shape) const {
  auto tensor = require(name);
  if (tensor && (*tensor)->shape != shape)
    return corrupt(fmt::format("{}: tensor {} has shape {}, needed: {} by the model's configuration", file_,
                               shown(name), (*tensor)->shape.text(), shape.text()));
  return tensor;
}

}  // namespace lathe
