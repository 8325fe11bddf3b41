// SME's streaming mode as the rest of the program meets it: its vectors, and signals that arrive in it.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include "ops/test_product.h"

#if defined(__linux__) && defined(__aarch64__)
#include <asm/sigcontext.h>
#include <sys/time.h>
#include <ucontext.h>
#endif

namespace lathe::ops {
namespace {

bool has_sme() { return has_all(cpu_features(), isa_needs(Isa::sme)); }

TEST(StreamingMode, VectorsAreThereWithTheFeatureOnly) {
  const int bits = streaming_vector_bits();
  std::printf("streaming vectors of %d bits\n", bits);
  EXPECT_EQ(bits != 0, has_sme());
  if (bits == 0) return;
  EXPECT_TRUE(std::has_single_bit(static_cast<unsigned>(bits)) && bits >= 128 && bits <= 2048);
}

#if defined(__linux__) && defined(__aarch64__)

// What a handler multiplies: a strip of 16 rows by a panel, by the variant whose ZA it interrupts.
struct SmallProduct {
  static constexpr int64_t kSize = 16;
  const matmul::Variant* variant;
  alignas(64) std::array<float, kSize * kSize> a, w, c;
  alignas(64) std::array<std::byte, 1 << 18> scratch;
};
SmallProduct small;
std::atomic<int> arrived{0}, in_za{0};

// Did the signal find ZA in use? The system then has put it into the frame, behind its header: with long vectors not
// where the other records are, but where one of them points to.
bool frame_holds_za(const ucontext_t& context) {
  constexpr uint32_t kZaMagic = 0x54366345, kZaHeader = 16, kExtraMagic = 0x45585401;
  const unsigned char* record = context.uc_mcontext.__reserved;
  const unsigned char* elsewhere = nullptr;
  for (;;) {
    _aarch64_ctx head;
    std::memcpy(&head, record, sizeof head);
    if (head.magic == kZaMagic) return head.size > kZaHeader;
    if (head.magic == kExtraMagic) std::memcpy(&elsewhere, record + sizeof head, sizeof elsewhere);
    if (head.magic == 0) {
      if (elsewhere == nullptr) return false;
      record = std::exchange(elsewhere, nullptr);
    } else {
      record += head.size;
    }
  }
}

void multiply_in_between(int, siginfo_t*, void* context) {
  arrived.fetch_add(1, std::memory_order_relaxed);
  if (frame_holds_za(*static_cast<const ucontext_t*>(context))) in_za.fetch_add(1, std::memory_order_relaxed);
  constexpr int64_t kSize = SmallProduct::kSize;
  matmul::Args args{};
  args.m = args.n = args.k = args.ldc = kSize;
  args.a = small.a.data();
  args.w = reinterpret_cast<const std::byte*>(small.w.data());
  args.w_panel = kSize * kSize * 4;
  args.c = small.c.data();
  args.c_type = matmul::Type::f32;
  args.scratch = small.scratch.data();
  small.variant->run(args);
}

// Signals every four milliseconds while it is there.
class Interruptions {
 public:
  Interruptions() {
    struct sigaction action {};
    action.sa_sigaction = multiply_in_between;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGALRM, &action, &before_);
    const itimerval each = {{0, 4000}, {0, 4000}};
    setitimer(ITIMER_REAL, &each, nullptr);
  }
  ~Interruptions() {
    const itimerval none{};
    setitimer(ITIMER_REAL, &none, nullptr);
    sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  struct sigaction before_ {};
};

TEST(StreamingMode, sme_sums_survive_handlers_that_use_it) {
  small.variant = matmul::find_variant("sme.f32.f32.strips");
  if (small.variant == nullptr) GTEST_SKIP() << "this build has no kernel for sme";
  if (!has_sme()) GTEST_SKIP() << "this CPU lacks sme";
  small.a.fill(1.5f);
  small.w.fill(2.0f);
  auto team = Team::create({.threads = 1});
  ASSERT_TRUE(team.ok());
  TestProduct product({.m = 40, .n = 150, .k = 300}, 3);
  ASSERT_TRUE(product.run(small.variant, **team).ok());
  const std::vector<std::byte> expected = product.result();
  const Interruptions interruptions;
  const auto begun = std::chrono::steady_clock::now();
  while (in_za < 5 && std::chrono::steady_clock::now() - begun < std::chrono::seconds(60)) {
    ASSERT_TRUE(product.run(small.variant, **team).ok());
    ASSERT_EQ(product.result(), expected) << "after " << arrived << " signals, " << in_za << " of them with ZA in use";
  }
  EXPECT_GE(in_za, 5) << "of " << arrived << " signals";
  for (const float c : small.c) ASSERT_EQ(c, 48.0f);
}

#endif

}  // namespace
}  // namespace lathe::ops
