// SME: NEON's lanes around what runs in streaming mode with ZA.
//
// STREAMING MODE. A function that uses ZA is one of two kinds:
//   LATHE_ZA_ENTRY void f(...) __arm_streaming   called from plain code. The compiler turns the mode on around the call
//                                                and ZA on inside of it, and both off on every way out.
//   LATHE_ZA_INLINE void g(...) LATHE_IN_ZA      inlined into an entry, with its ZA.
// The mode is part of a function's type: an entry does not fit `Variant::run` or `prepare`, so no row of the table can
// hold one, and an inlined function cannot be called from plain code. The other direction the compiler allows, by
// leaving the mode around the call: no entry calls a plain function, not even a constexpr one, nor memcpy, which
// tools/emulate/arm64_sme.sh checks in the disassembly. (__arm_locally_streaming would be shorter; what clang 19
// makes of it for SME without SVE crashes.)
//
// SIGNALS. Linux keeps streaming registers and ZA in the signal frame and turns both off for the handler, so a handler
// may do what it likes, use SME itself too, and return: the sums are whole. One that leaves by longjmp or an exception
// loses them, as it loses any product half way. The frame grows by ZA, 4 KiB with vectors of 512 bits: a handler on a
// stack of its own needs getauxval(AT_MINSIGSTKSZ), not the constant MINSIGSTKSZ.

#define LATHE_ZA_ENTRY __arm_new("za") __attribute__((noinline))
#define LATHE_IN_ZA __arm_streaming __arm_inout("za")
#define LATHE_ZA_INLINE static inline __attribute__((always_inline))

LATHE_ZA_INLINE int64_t least(int64_t a, int64_t b) LATHE_IN_ZA { return a < b ? a : b; }
// The first `count` lanes of 32 bits (of none where it is negative).
LATHE_ZA_INLINE svbool_t words(int64_t count) LATHE_IN_ZA { return svwhilelt_b32_s64(0, count); }

// `rows` rows of k floats, ld apart, into [k][to_ld]: rows enter a tile of ZA horizontally and leave it vertically, two
// instructions for as many elements as a vector has lanes.
LATHE_ZA_INLINE void transpose_za(const float* from, int64_t ld, int64_t rows, int64_t k, float* to,
                                  int64_t to_ld) LATHE_IN_ZA {
  const int64_t lanes = static_cast<int64_t>(svcntw());
  for (int64_t r = 0; r < rows; r += lanes)
    for (int64_t i = 0; i < k; i += lanes) {
      const int64_t height = least(lanes, rows - r), width = least(lanes, k - i);
      for (int64_t s = 0; s < height; ++s)
        svld1_hor_za32(0, static_cast<uint32_t>(s), words(width), from + (r + s) * ld + i);
      for (int64_t s = 0; s < width; ++s)
        svst1_ver_za32(0, static_cast<uint32_t>(s), words(height), to + (i + s) * to_ld + r);
    }
}
LATHE_ZA_ENTRY void transpose_strip(const float* from, int64_t ld, int64_t rows, int64_t k, float* to) __arm_streaming {
  transpose_za(from, ld, rows, k, to, rows);
}

struct SmeLanes : NeonLanes {
  static constexpr Isa kIsa = Isa::sme;

  // A's strips are as small as the rows at hand and made once for all panels of W. Through ZA that takes an eighth of
  // the instructions of NEON's 4x4 squares (512 bits), and the unit that reads the strip has written it. One or two
  // rows are nearly copies and read by NEON.
  static void interleave(const float* from, int64_t ld, int64_t rows, int64_t k, float* to) {
    if (rows <= 2) return NeonLanes::interleave(from, ld, rows, k, to);
    transpose_strip(from, ld, rows, k, to);
  }
};
