// Between a model's binding and what keeps packed weights from one start to the next.
//
// A binder asks for each of its products by a name that says what was packed, in full and in order ("a.query.weight+
// a.key.weight"): two meanings under one name would be taken for each other. Where nothing is kept it prepares the
// weights itself and hands them over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "kernels/matmul/matmul.h"
#include "lathe/status.h"
#include "ops/matmul.h"

namespace lathe::ops {

struct PackedKey {
  std::string name{};
  int64_t n = 0, k = 0;
  matmul::Layout layout = matmul::Layout::panel_f32;
  bool gated = false;
};

class PackedStore {
 public:
  virtual ~PackedStore() = default;
  // What is kept under exactly this key.
  virtual std::optional<Weights> find(const PackedKey& key) = 0;
  // These were prepared just now; `weights` stay the caller's.
  virtual void keep(const PackedKey& key, const Weights& weights) = 0;
  // `source`, in a mapped file, was packed and will not be read again.
  virtual void used_up(std::span<const std::byte> source) = 0;
};

// The weights of `key` from `store` (nullptr: there is none), else from `prepare`, handed to the store.
inline Result<Weights> kept_or(PackedStore* store, const PackedKey& key,
                               const std::function<Result<Weights>()>& prepare) {
  if (store != nullptr)
    if (auto kept = store->find(key)) return std::move(*kept);
  auto made = prepare();
  if (made && store != nullptr) store->keep(key, *made);
  return made;
}

}  // namespace lathe::ops
