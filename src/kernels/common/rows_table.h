// What the tables of all row operations have in common. A table lists its best row first.
#pragma once

#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::kernels {

// The row of that name, or nullptr.
template <class Variant>
const Variant* find_row(std::span<const Variant* const> rows, std::string_view name) {
  for (const Variant* row : rows)
    if (name == row->name) return row;
  return nullptr;
}

// The first row that a CPU with `features` can run. The scalar row, last in every table, needs nothing.
template <class Variant>
const Variant& best_row(std::span<const Variant* const> rows, FeatureSet features) {
  for (const Variant* row : rows)
    if (has_all(features, isa_needs(row->isa))) return *row;
  return *rows.back();
}

}  // namespace lathe::kernels
