// The tile registers of AMX, tmm0 .. tmm7, by number: an instruction names them in its encoding. Inline assembly,
// because g++ 12 declares its intrinsics without saying that a load reads memory, and moves stores behind them.
//
// A kernel configures the tiles when it is called and releases them when it ends (TileShapes). Their shapes follow from
// the rows of that call, the state is left initial, so that a thread switch saves none of the 8 KiB, and no other code
// of the thread needs to know. It takes 0.15 us (316 cycles of a Sapphire Rapids), a call a few at the least.

constexpr int64_t kTileRows = 16, kTileLine = 64;  // the largest tile
constexpr int kTileSums = kTileRows * kPanel;      // s32 of a tile of sums

// As the hardware reads it.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// Tiles 0 .. kSums - 1: sums, rows by 16; the two behind them: A, rows by `k` bytes; the others: W, k / 4 by 16 quads.
template <int kSums>
class TileShapes {
 public:
  static constexpr int kA = kSums, kW = kSums + 2;
  TileShapes(int64_t rows, int64_t k) {
    TileConfig config;
    for (int tile = 0; tile < 8; ++tile) {
      config.rows[tile] = static_cast<uint8_t>(tile < kW ? rows : k / 4);
      config.row_bytes[tile] = static_cast<uint16_t>(tile < kA || tile >= kW ? kTileLine : k);
    }
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  ~TileShapes() { asm volatile("tilerelease"); }
  TileShapes(const TileShapes&) = delete;
  TileShapes& operator=(const TileShapes&) = delete;
};

template <int kTile>
LATHE_INLINE void tile_zero() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
}
template <int kTile>
LATHE_INLINE void tile_load(const void* from, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
LATHE_INLINE void tile_store(int32_t* to) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(kTileLine), "i"(kTile) : "memory");
}

// Which bytes of a product carry a sign: A's and W's.
enum class Signs { both, a_only, w_only };

// kSum += kA * kW, exact modulo 2^32.
template <Signs kSigns, int kSum, int kA, int kW>
LATHE_INLINE void tile_multiply() {
  if constexpr (kSigns == Signs::both)
    asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kA), "i"(kW));
  if constexpr (kSigns == Signs::a_only)
    asm volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kA), "i"(kW));
  if constexpr (kSigns == Signs::w_only)
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kA), "i"(kW));
}

// Rows in tiles: all of one call are as high as its largest group, so that the tiles are configured once. A group of a
// row less begins a row early and does not use that row.
struct TileGroups {
  RowGroups groups;
  explicit TileGroups(int64_t m) : groups(m, kTileRows) {}
  int64_t count() const { return groups.count; }
  int64_t rows() const { return groups.rows(0); }
  int64_t unused(int64_t g) const { return rows() - groups.rows(g); }
  int64_t begin(int64_t g) const { return groups.begin(g) - unused(g); }
};
