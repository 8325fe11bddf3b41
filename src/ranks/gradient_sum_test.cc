#include "ranks/gradient_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "ranks/fake_transport.h"

namespace lathe::ranks {
namespace {

constexpr int64_t kSize = 5 * (64 << 10) + 123;  // of no whole chunk

// Of a pass; sums of these depend on the order of addition.
const std::vector<float>& gradients(int64_t pass) {
  static const std::vector<std::vector<float>> all = [] {
    std::vector<std::vector<float>> passes(8, std::vector<float>(kSize));
    for (int64_t p = 0; p < 8; ++p)
      for (int64_t i = 0; i < kSize; ++i) {
        const auto x = static_cast<float>((i * 7919 + p * 104729) % 10007) / 10007.0f - 0.5f;
        passes[static_cast<size_t>(p)][static_cast<size_t>(i)] = x * static_cast<float>(1 << (i + p * 5) % 17) / 256;
      }
    return passes;
  }();
  return all[static_cast<size_t>(pass)];
}

std::vector<float> in_order(int64_t passes) {
  std::vector<float> sum = gradients(0);
  for (int64_t pass = 1; pass < passes; ++pass)
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += gradients(pass)[i];
  return sum;
}

// Writes a pass from the end on, as a backward pass does, and says how far it is.
void write_pass(int64_t pass, float* to, std::atomic<int64_t>& final_from) {
  constexpr int64_t kLayer = 50'000;
  for (int64_t end = kSize; end > 0; end -= kLayer) {
    const int64_t begin = std::max<int64_t>(0, end - kLayer);
    std::copy(gradients(pass).begin() + begin, gradients(pass).begin() + end, to + begin);
    final_from.store(begin, std::memory_order_release);
  }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Rounds of passes, whole and not, on 1 to 4 ranks.
TEST(GradientSum, HasTheBitsOfOneProcess) {
  for (const int size : {1, 2, 3, 4})
    for (const int64_t passes : {4, 7, 8}) {
      const std::vector<float> expected = in_order(passes);
      ASSERT_FALSE(same_bits(expected, in_order(passes - 1)));
      on_fake_ranks(size, {}, [&](Group& group) {
        GradientSum job(group);
        std::vector<float> sum(kSize), second(kSize);
        for (int step = 0; step < 2; ++step) {
          std::ranges::fill(sum, 9.0f);
          for (int64_t first = 0; first < passes; first += size) {
            const int64_t pass = first + group.rank();
            float* const mine = first == 0 ? sum.data() : second.data();
            std::atomic<int64_t> final_from{kSize};
            job.prepare({.size = kSize,
                         .mine = pass < passes ? mine : nullptr,
                         .sum = sum.data(),
                         .contributors = static_cast<int>(std::min<int64_t>(size, passes - first)),
                         .further = first > 0,
                         .last = first + size >= passes,
                         .final_from = &final_from});
            group.begin(job, "the gradients");
            if (pass < passes) write_pass(pass, mine, final_from);
            ASSERT_TRUE(group.wait().ok());
          }
          EXPECT_TRUE(same_bits(sum, expected)) << size << " ranks, " << passes << " passes, rank " << group.rank();
        }
        EXPECT_TRUE(group.leave(""));
      });
    }
}

// Sums of a rank's own passes, and of the ranks afterwards: all ranks have the same, within rounding of the above.
TEST(GradientSum, LocalSumsAreAddedOnce) {
  constexpr int64_t kPasses = 5;
  const std::vector<float> expected = in_order(kPasses);
  std::vector<std::vector<float>> found(2);
  on_fake_ranks(2, {}, [&](Group& group) {
    GradientSum job(group);
    std::vector<float> sum(kSize), second(kSize);
    const bool short_one = group.rank() == 1;  // makes passes 1 and 3, the other 0, 2 and 4
    for (size_t i = 0; i < sum.size(); ++i) sum[i] = gradients(group.rank())[i] + gradients(group.rank() + 2)[i];
    std::atomic<int64_t> final_from{short_one ? 0 : kSize};
    job.prepare({.size = kSize,
                 .mine = sum.data(),
                 .also = short_one ? nullptr : second.data(),
                 .sum = sum.data(),
                 .contributors = 2,
                 .last = true,
                 .final_from = &final_from});
    group.begin(job, "the gradients");
    if (!short_one) write_pass(4, second.data(), final_from);
    ASSERT_TRUE(group.wait().ok());
    found[static_cast<size_t>(group.rank())] = sum;
    EXPECT_TRUE(group.leave(""));
  });
  EXPECT_TRUE(same_bits(found[0], found[1]));
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(found[0][i], expected[i], 1e-6 * 5 * 256) << i;  // parts are below 256
}

}  // namespace
}  // namespace lathe::ranks
