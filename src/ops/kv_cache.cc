#include "ops/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/checked.h"

namespace lathe::ops {
namespace {

// In front of a page's data, in its own line: how many texts hold it.
constexpr int64_t kHead = 64;

}  // namespace

int64_t& KvPool::holders(std::byte* page) { return *reinterpret_cast<int64_t*>(page - kHead); }

Result<std::byte*> KvPool::take() {
  if (free_.empty()) {
    if (most_ > 0 && pages() >= most_)
      return out_of_memory("the cache of keys and values is full: its limit of " + std::to_string(most_) +
                           " pages of " + std::to_string(kKvPage) + " positions is in use");
    auto made = Buffer::create(kHead + shape_.page_bytes());
    if (!made) return made.status();
    memory_.push_back(std::move(*made));
    free_.reserve(memory_.size());  // so that giving back allocates nothing
    free_.push_back(memory_.back().data() + kHead);
  }
  std::byte* page = free_.back();
  free_.pop_back();
  holders(page) = 1;
  return page;
}

void KvPool::release(std::byte* page) {
  if (--holders(page) == 0) free_.push_back(page);
}

KvText::KvText(KvText&& other) noexcept
    : pool_(other.pool_), pages_(std::exchange(other.pages_, {})), length_(std::exchange(other.length_, 0)) {}

KvText& KvText::operator=(KvText&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(pages_, other.pages_);
  std::swap(length_, other.length_);
  return *this;
}

Status KvText::own(std::byte*& page) {
  if (!pool_->is_shared(page)) return {};
  const auto copy = pool_->take();
  if (!copy) return copy.status();
  std::memcpy(*copy, page, static_cast<size_t>(pool_->shape().page_bytes()));
  pool_->release(page);
  page = *copy;
  return {};
}

Status KvText::reserve(int64_t count) {
  if (count <= length_) return {};
  const auto first = static_cast<size_t>(length_ / kKvPage), needed = static_cast<size_t>(ceil_div(count, kKvPage));
  if (first < pages_.size())
    if (Status status = own(pages_[first]); !status.ok()) return status;
  while (pages_.size() < needed) {
    const auto page = pool_->take();
    if (!page) {
      truncate(length_);
      return page.status();
    }
    pages_.push_back(*page);
  }
  return {};
}

void KvText::truncate(int64_t length) {
  length_ = std::min(length_, length);
  const auto kept = static_cast<size_t>(ceil_div(length_, kKvPage));
  for (; pages_.size() > kept; pages_.pop_back()) pool_->release(pages_.back());
}

KvText KvText::fork(int64_t length) const {
  KvText text(*pool_);
  text.length_ = std::min(length, length_);
  text.pages_.assign(pages_.begin(), pages_.begin() + ceil_div(text.length_, kKvPage));
  for (std::byte* page : text.pages_) pool_->hold(page);
  return text;
}

}  // namespace lathe::ops
