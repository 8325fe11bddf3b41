// While one of these lives, subnormal operands and results of the calling thread's float instructions are zeros of
// their sign, as the instructions of bf16 have it whatever the mode. An Arm core flushes a result that is below the
// least normal number before it is rounded, x86 one that is so after it: they differ for sums within 2^-150 of it.
class FlushSubnormals {
 public:
#if defined(__x86_64__)
  FlushSubnormals() {
    asm volatile("stmxcsr %0" : "=m"(before_));
    const uint32_t flushing = before_ | 0x8040;  // FTZ, DAZ
    asm volatile("ldmxcsr %0" : : "m"(flushing) : "memory");
  }
  ~FlushSubnormals() { asm volatile("ldmxcsr %0" : : "m"(before_) : "memory"); }
#elif defined(__aarch64__)
  FlushSubnormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" : : "r"(before_ | uint64_t{1} << 24) : "memory");
  }
  ~FlushSubnormals() { asm volatile("msr fpcr, %0" : : "r"(before_) : "memory"); }
#else
  FlushSubnormals() {}
  ~FlushSubnormals() {}
#endif
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
#if defined(__x86_64__)
  uint32_t before_;
#elif defined(__aarch64__)
  uint64_t before_;
#endif
};
