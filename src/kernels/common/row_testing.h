// For the tests of row operations: rows between canaries, the measure of an error, and the nasty values.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "platform/cpu.h"

namespace lathe::kernels::testing {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Every length around one, two and more registers of any width, and some of real models.
inline std::vector<int64_t> nasty_lengths() {
  std::vector<int64_t> lengths;
  for (int64_t n = 1; n <= 100; ++n) lengths.push_back(n);
  for (const int64_t n : {384, 1024, 4097}) lengths.push_back(n);
  return lengths;
}

// NaN equals NaN: which NaN is not promised.
inline bool same_bits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

// The spacing of floats at |x|: 2^(e-23) in the binade 2^e <= |x| < 2^(e+1), and 2^-149 below the normal range.
inline double ulp_at(double x) {
  const uint64_t biased = (std::bit_cast<uint64_t>(x) >> 52) & 0x7ff;
  const uint64_t lowest = 1023 - 126;
  return std::bit_cast<double>((std::max(biased, lowest) - 23) << 52);
}

// |found - exact| in units of the spacing at `exact`. Infinite where one is NaN or infinite and the other, rounded to
// f32, is not the same.
inline double ulp_error(float found, double exact) {
  const float rounded = static_cast<float>(exact);
  if (std::isnan(found) || std::isnan(rounded) || std::isinf(found) || std::isinf(rounded))
    return same_bits(found, rounded) ? 0 : std::numeric_limits<double>::infinity();
  return std::fabs(found - exact) / ulp_at(exact);
}

// rows x n floats with a stride of their own, starting `misaligned` floats behind a boundary, and canaries everywhere
// around the rows.
class Rows {
 public:
  Rows(int64_t rows, int64_t n, int64_t misaligned = 1, int64_t gap = 5)
      : rows_(rows), n_(n), stride_(n + gap), begin_(kMargin + misaligned) {
    memory_.assign(static_cast<size_t>(begin_ + rows * stride_ + kMargin), canary());
    for_each([](int64_t, int64_t) { return kNan; });  // an output that nobody writes shows
  }

  float* data() { return memory_.data() + begin_; }
  int64_t stride() const { return stride_; }
  float& at(int64_t i, int64_t j) { return data()[i * stride_ + j]; }
  std::span<float> row(int64_t i) { return {data() + i * stride_, static_cast<size_t>(n_)}; }

  template <class Value>
  void for_each(Value value) {
    for (int64_t i = 0; i < rows_; ++i)
      for (int64_t j = 0; j < n_; ++j) at(i, j) = value(i, j);
  }
  void fill(std::mt19937& random, float deviation = 3.0f) {
    std::normal_distribution<float> normal(0.0f, deviation);
    for_each([&](int64_t, int64_t) { return normal(random); });
  }

  void expect_canaries() {
    const int64_t size = static_cast<int64_t>(memory_.size());
    for (int64_t k = 0; k < size; ++k) {
      const int64_t from = k - begin_;
      const bool inside = from >= 0 && from / stride_ < rows_ && from % stride_ < n_;
      if (!inside) {
        ASSERT_EQ(std::bit_cast<uint32_t>(memory_[static_cast<size_t>(k)]), std::bit_cast<uint32_t>(canary()))
            << "element " << from << " outside of " << rows_ << " rows of " << n_;
      }
    }
  }
  void expect_same_bits(Rows& other) {
    for (int64_t i = 0; i < rows_; ++i)
      for (int64_t j = 0; j < n_; ++j)
        ASSERT_PRED2(same_bits, at(i, j), other.at(i, j)) << "row " << i << ", element " << j << " of " << n_;
  }

 private:
  static constexpr int64_t kMargin = 64;
  static float canary() { return std::bit_cast<float>(0xdeadbeefu); }

  int64_t rows_, n_, stride_, begin_;
  std::vector<float> memory_;
};

// A test of every row of a table: skipped, and said so, where this CPU cannot run the row.
template <class Variant>
class EveryVariant : public ::testing::TestWithParam<const Variant*> {
 protected:
  void SetUp() override {
    const std::string missing = missing_features(cpu_features(), isa_needs(this->GetParam()->isa));
    if (!missing.empty()) GTEST_SKIP() << this->GetParam()->name << " needs " << missing << ", which this CPU lacks";
  }
  const Variant& variant() const { return *this->GetParam(); }
};

// "norm.avx2" becomes "norm_avx2", as test names must be.
template <class Param>
std::string variant_test_name(const ::testing::TestParamInfo<Param>& info) {
  std::string name = info.param->name;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

// `count` floats up to the end of a page, behind which nothing may be read or written.
class GuardedFloats {
 public:
  explicit GuardedFloats(int64_t count) : count_(count), page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    memory_ = mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    guarded_ = memory_ != MAP_FAILED && mprotect(static_cast<char*>(memory_) + page_, page_, PROT_NONE) == 0;
  }
  ~GuardedFloats() {
    if (memory_ != MAP_FAILED) munmap(memory_, 2 * page_);
  }
  GuardedFloats(const GuardedFloats&) = delete;
  GuardedFloats& operator=(const GuardedFloats&) = delete;

  bool guarded() const { return guarded_; }
  float* data() const { return reinterpret_cast<float*>(static_cast<char*>(memory_) + page_) - count_; }

 private:
  int64_t count_;
  size_t page_;
  void* memory_;
  bool guarded_;
};

}  // namespace lathe::kernels::testing
