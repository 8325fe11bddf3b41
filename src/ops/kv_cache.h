// Keys and values of texts, in pages of kPage positions that a text takes from a pool as it grows.
//
// A page holds kPage positions of all layers and of all heads of keys and values, so that a text has one list of pages
// and sharing is by page. Texts with a common beginning share its pages; who writes into a page that somebody else
// holds too gets a copy of it first, which can only be the last page of the beginning, where it is not full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.h"
#include "kernels/paged_attention/paged_attention.h"
#include "lathe/status.h"

namespace lathe::ops {

using KvType = paged_attention::Type;
constexpr int64_t kKvPage = paged_attention::kPage;

struct KvShape {
  int64_t layers = 0, kv_heads = 0, head_dim = 0;
  KvType type = KvType::f16;

  int64_t head_bytes() const { return paged_attention::head_bytes(head_dim, type); }
  int64_t page_bytes() const { return layers * kv_heads * head_bytes(); }
  // Where a head lies in a page.
  int64_t at(int64_t layer, int64_t head) const { return (layer * kv_heads + head) * head_bytes(); }
};

// The pages of all texts of a model. One thread at a time uses it and its texts.
class KvPool {
 public:
  // At most `most` pages; 0: as many as there is memory for.
  explicit KvPool(KvShape shape, int64_t most = 0) : shape_(shape), most_(most) {}
  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  const KvShape& shape() const { return shape_; }
  int64_t pages() const { return static_cast<int64_t>(memory_.size()); }  // that there are, in use or not
  int64_t in_use() const { return pages() - static_cast<int64_t>(free_.size()); }

 private:
  friend class KvText;
  Result<std::byte*> take();  // a page of one holder
  void hold(std::byte* page) { ++holders(page); }
  void release(std::byte* page);
  bool is_shared(std::byte* page) { return holders(page) > 1; }
  int64_t& holders(std::byte* page);

  KvShape shape_;
  int64_t most_;
  std::vector<Buffer> memory_;
  std::vector<std::byte*> free_;
};

// What the cache holds of one text. Gives its pages back when it ends; the pool outlives it.
class KvText {
 public:
  explicit KvText(KvPool& pool) : pool_(&pool) {}
  KvText(KvText&& other) noexcept;
  KvText& operator=(KvText&& other) noexcept;
  ~KvText() { truncate(0); }

  const KvShape& shape() const { return pool_->shape(); }
  int64_t length() const { return length_; }  // positions that are there
  // Of positions 0 .. on, kKvPage each. Until the next call of a function that is not const.
  std::byte* const* pages() const { return pages_.data(); }

  // Makes positions length() .. count - 1 writable. Where it fails, what the text has stays as it is.
  Status reserve(int64_t count);
  // `count` positions behind length(), which were reserved, have been written.
  void advance(int64_t count) { length_ += count; }
  // Forgets positions from `length` on.
  void truncate(int64_t length);
  // A text that begins with the first `length` positions of this one, and shares their pages.
  KvText fork(int64_t length) const;

 private:
  Status own(std::byte*& page);

  KvPool* pool_;
  std::vector<std::byte*> pages_;
  int64_t length_ = 0;
};

}  // namespace lathe::ops
