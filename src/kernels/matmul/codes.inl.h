// Weights of 4 to 6 bits as a8 takes them: value = scale * code - offset, codes unsigned bytes, one scale and offset
// per kSpan weights. A panel of these is a sequence of records of kBlocks * 32 k, each with all that belongs to it, so
// that it is read as one stream. Byte t of column j of nibble row g of a block (64 bytes: [16][4]) has k = 8g + t in
// its low half and k = 8g + 4 + t in its high one; higher bits lie in rows of 64 bytes of their own, [16][4] too.

constexpr int64_t kCodeRow = 4 * kPanel;                    // bytes of a nibble row
constexpr int64_t kNibbles = kBlock / 2 * kPanel;           // bytes of the nibbles of a block
constexpr int64_t kHalves = kPanel * int64_t{sizeof(f16)};  // bytes of an f16 for every column

// What a block of 32 k is multiplied by: kBlock / kSpan of each.
template <class V, int kCount>
struct Scales {
  typename V::F scale[kCount], offset[kCount];
};

// A nibble row: the codes of two quads.
template <class V>
LATHE_INLINE void split_nibbles(const uint8_t* row, typename V::B& even, typename V::B& odd) {
  const typename V::B both = V::load_bytes(row);
  even = V::low_nibbles(both);
  odd = V::high_nibbles(both);
}

// Codes of four k (a quad) of all columns. Products of kQuads quads fit the s16 pairs that are summed: 8 * 2 * 15 * 127
// < 2^15. kQuads is also the step of the a8 chain. kFewRows: up to so many rows of A their weights are better decoded
// where they are multiplied than once for all rows (row.inl.h): four rows of 5 and 6 bits were 1.1 to 1.5
// times slower.
template <class V>
struct CodesQ4_0 {  // { nibbles; f16 scale[16] }, offset 8 * scale
  static constexpr int kQuads = 8, kSpan = 32, kBlocks = 1, kFewRows = 4;
  static constexpr int64_t kRecord = kNibbles + kHalves;
  using B = typename V::B;

  struct Record {
    const uint8_t* at;
    typename V::F scale;
    explicit Record(const std::byte* p)
        : at(reinterpret_cast<const uint8_t*>(p)), scale(V::load_f16(reinterpret_cast<const f16*>(at + kNibbles))) {}
    Scales<V, 1> scales(int64_t) const { return {{scale}, {V::mul(scale, V::set1(8.0f))}}; }
    template <int kPair>
    LATHE_INLINE void codes(int64_t, B& even, B& odd) const {
      split_nibbles<V>(at + kPair * kCodeRow, even, odd);
    }
  };
};

template <class V>
struct CodesQ4_1 {  // { nibbles; f16 scale[16]; f16 least[16] }: the offset is -least
  static constexpr int kQuads = 8, kSpan = 32, kBlocks = 1, kFewRows = 4;
  static constexpr int64_t kRecord = kNibbles + 2 * kHalves;
  using B = typename V::B;

  struct Record {
    const uint8_t* at;
    explicit Record(const std::byte* p) : at(reinterpret_cast<const uint8_t*>(p)) {}
    Scales<V, 1> scales(int64_t) const {
      const auto* d = reinterpret_cast<const f16*>(at + kNibbles);
      return {{V::load_f16(d)}, {V::mul(V::load_f16(d + kPanel), V::set1(-1.0f))}};
    }
    template <int kPair>
    LATHE_INLINE void codes(int64_t, B& even, B& odd) const {
      split_nibbles<V>(at + kPair * kCodeRow, even, odd);
    }
  };
};

// A K-quant's record begins with { f16 d[16]; f16 dmin[16] }, and each of its eight blocks ends with { u8 scale[16];
// u8 minimum[16] }: it is read from its beginning to its end. With all nibbles first, all higher bits and then all
// scales, as in the file's blocks, three places of four panels were read at a time, at 0.76 of the speed.
template <class V>
struct SuperScales {
  static constexpr int64_t kHead = 2 * kHalves, kBytes = 2 * kPanel;
  typename V::F d, dmin;
  explicit SuperScales(const uint8_t* head)
      : d(V::load_f16(reinterpret_cast<const f16*>(head))),
        dmin(V::load_f16(reinterpret_cast<const f16*>(head + kHalves))) {}
  Scales<V, 1> of(const uint8_t* scale) const {
    return {{V::mul(d, V::load_u8(scale))}, {V::mul(dmin, V::load_u8(scale + kPanel))}};
  }
};

template <class V>
struct CodesQ4K {  // { d, dmin; 8 of { nibbles; scale, minimum } }
  static constexpr int kQuads = 8, kSpan = 32, kBlocks = 8, kFewRows = 4;
  static constexpr int64_t kStep = kNibbles + SuperScales<V>::kBytes;  // from a block to the next
  static constexpr int64_t kRecord = SuperScales<V>::kHead + 8 * kStep;
  using B = typename V::B;

  struct Record {
    const uint8_t* at;  // of the first block
    SuperScales<V> super;
    explicit Record(const std::byte* p)
        : at(reinterpret_cast<const uint8_t*>(p) + SuperScales<V>::kHead), super(at - SuperScales<V>::kHead) {}
    Scales<V, 1> scales(int64_t block) const { return super.of(at + block * kStep + kNibbles); }
    template <int kPair>
    LATHE_INLINE void codes(int64_t block, B& even, B& odd) const {
      split_nibbles<V>(at + block * kStep + kPair * kCodeRow, even, odd);
    }
  };
};

template <class V>
struct CodesQ5K {  // { d, dmin; 8 of { nibbles; a row of fifth bits, bit q that of quad q; scale, minimum } }
  static constexpr int kQuads = 4, kSpan = 32, kBlocks = 8, kFewRows = 2;  // 4 * 2 * 31 * 127 < 2^15
  static constexpr int64_t kScales = kNibbles + kCodeRow, kStep = kScales + SuperScales<V>::kBytes;
  static constexpr int64_t kRecord = SuperScales<V>::kHead + 8 * kStep;
  using B = typename V::B;

  struct Record {
    const uint8_t* at;  // of the first block
    SuperScales<V> super;
    explicit Record(const std::byte* p)
        : at(reinterpret_cast<const uint8_t*>(p) + SuperScales<V>::kHead), super(at - SuperScales<V>::kHead) {}
    Scales<V, 1> scales(int64_t block) const { return super.of(at + block * kStep + kScales); }
    template <int kPair>
    LATHE_INLINE void codes(int64_t block, B& even, B& odd) const {
      const uint8_t* nibbles = at + block * kStep;
      split_nibbles<V>(nibbles + kPair * kCodeRow, even, odd);
      const B high = V::load_bytes(nibbles + kNibbles);
      even = V::either(even, V::template shifted<4 - 2 * kPair>(high, 0x10));
      odd = V::either(odd, V::template shifted<3 - 2 * kPair>(high, 0x10));
    }
  };
};

template <class V>
struct CodesQ6K {  // { f16 d[16]; 8 of { nibbles; two rows of upper bits; s8 scale[2][16] } }
  static constexpr int kQuads = 2, kSpan = 16, kBlocks = 8, kFewRows = 2;  // 2 * 2 * 63 * 127 < 2^15
  // Bits 2q, 2q + 1 of the first row are those of quad q, of the second those of quad 4 + q.
  static constexpr int64_t kScales = kNibbles + 2 * kCodeRow, kStep = kScales + 2 * kPanel;
  static constexpr int64_t kRecord = kHalves + 8 * kStep;
  using B = typename V::B;

  struct Record {
    const uint8_t* at;  // of the first block
    typename V::F d;
    explicit Record(const std::byte* p)
        : at(reinterpret_cast<const uint8_t*>(p) + kHalves), d(V::load_f16(reinterpret_cast<const f16*>(p))) {}
    Scales<V, 2> scales(int64_t block) const {
      const auto* s = reinterpret_cast<const int8_t*>(at + block * kStep + kScales);
      const typename V::F first = V::mul(d, V::load_s8(s)), second = V::mul(d, V::load_s8(s + kPanel)),
                          most = V::set1(32.0f);
      return {{first, second}, {V::mul(first, most), V::mul(second, most)}};
    }
    template <int kPair>
    LATHE_INLINE void codes(int64_t block, B& even, B& odd) const {
      const uint8_t* nibbles = at + block * kStep;
      split_nibbles<V>(nibbles + kPair * kCodeRow, even, odd);
      const B high = V::load_bytes(nibbles + kNibbles + kPair / 2 * kCodeRow);
      even = V::either(even, V::template shifted<4 - kPair % 2 * 4>(high, 0x30));
      odd = V::either(odd, V::template shifted<2 - kPair % 2 * 4>(high, 0x30));
    }
  };
};

// kk weights of every column from k0 on (multiples of 32): codes [kk/4][16][4], scales and offsets [kk/kSpan][16].
template <class V, template <class> class Codes>
void decode_codes(const std::byte* panel, int64_t k0, int64_t kk, uint8_t* codes, float* scale, float* offset) {
  using C = Codes<V>;
  for (int64_t block = k0 / kBlock; block < (k0 + kk) / kBlock; ++block) {
    const typename C::Record record(panel + block / C::kBlocks * C::kRecord);
    const int64_t at = block % C::kBlocks;
    const auto pair = [&](auto p) LATHE_INLINE_LAMBDA {
      typename V::B even, odd;
      record.template codes<p.value>(at, even, odd);
      V::store_bytes(codes, even);
      V::store_bytes(codes + kCodeRow, odd);
      codes += 2 * kCodeRow;
    };
    pair(std::integral_constant<int, 0>{});
    pair(std::integral_constant<int, 1>{});
    pair(std::integral_constant<int, 2>{});
    pair(std::integral_constant<int, 3>{});
    const auto scales = record.scales(at);
    for (int half = 0; half < kBlock / C::kSpan; ++half, scale += kPanel, offset += kPanel) {
      V::store(scale, scales.scale[half]);
      V::store(offset, scales.offset[half]);
    }
  }
}
