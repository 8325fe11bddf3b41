// A SIGILL handler that carries out AMX-TILE, AMX-INT8 and AMX-BF16. Tiles are a thread's own, as on the hardware; what
// the hardware refuses (a tile that is not configured, shapes that do not fit) ends the program, as everything else
// that is illegal does. The rows of AMX then have AVX2 lanes (amx_rows.cc), which is told to detection below.
#include "amx_trap.h"

#include <cmath>

#include "base/types.h"
#include "trapped.h"

namespace lathe {
namespace {

// As ldtilecfg reads it and sttilecfg writes it.
struct Config {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(Config) == 64);

struct Tile {
  uint8_t bytes[16][64];
};

thread_local Config config;
thread_local Tile tiles[8];

[[noreturn]] void refuse(const char* what) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, what, std::strlen(what));
  _exit(132);
}

void clear_tiles() { std::memset(tiles, 0, sizeof tiles); }

void load_config(const uint8_t* from) {
  std::memcpy(&config, from, sizeof config);
  clear_tiles();
  bool fits = config.palette == 1 && config.start_row == 0;
  for (const uint8_t byte : config.reserved) fits &= byte == 0;
  for (int t = 0; t < 16; ++t) {
    const bool used = config.rows[t] != 0 || config.row_bytes[t] != 0;
    fits &= config.rows[t] <= 16 && config.row_bytes[t] <= 64 && (t < 8 || !used);
    fits &= (config.rows[t] == 0) == (config.row_bytes[t] == 0);
  }
  if (!fits) refuse("amx_trap: ldtilecfg of a wrong configuration\n");
}

void release() {
  config = {};
  clear_tiles();
}

void check_configured(int tile) {
  if (tile > 7 || config.palette != 1 || config.rows[tile] == 0) refuse("amx_trap: a tile that is not configured\n");
}

void move_tile(int tile, uint8_t* memory, uint64_t stride, bool load) {
  check_configured(tile);
  if (load) std::memset(&tiles[tile], 0, sizeof(Tile));
  for (int r = 0; r < config.rows[tile]; ++r) {
    uint8_t *row = tiles[tile].bytes[r], *at = memory + static_cast<uint64_t>(r) * stride;
    std::memcpy(load ? row : at, load ? at : row, config.row_bytes[tile]);
  }
}

// Four products of bytes; the sum wraps.
uint32_t dot(const uint8_t* a, const uint8_t* w, bool a_signed, bool w_signed) {
  int32_t sum = 0;
  for (int i = 0; i < 4; ++i) {
    const int x = a_signed ? static_cast<int8_t>(a[i]) : a[i], y = w_signed ? static_cast<int8_t>(w[i]) : w[i];
    sum += x * y;
  }
  return static_cast<uint32_t>(sum);
}

float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

float read_float(const uint8_t* from) {
  float x;
  std::memcpy(&x, from, 4);
  return flushed(x);
}
float read_bf16(const uint8_t* from) {
  bf16 x;
  std::memcpy(&x, from, 2);
  return flushed(to_float(x));
}

// Word q of A's row and of W's column are both of pair q of k. add(total, a row of k words, W's column, k) of each sum.
template <class Add>
void multiply(int sum, int a, int w, const Add& add) {
  for (const int tile : {sum, a, w}) check_configured(tile);
  const int m = config.rows[sum], n = config.row_bytes[sum] / 4, k = config.rows[w];
  const bool fits = config.rows[a] == m && config.row_bytes[w] == 4 * n && config.row_bytes[a] == 4 * k && sum != a &&
                    sum != w && a != w;
  if (!fits) refuse("amx_trap: tiles whose shapes do not fit, or that are one\n");
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j)
      add(
          &tiles[sum].bytes[i][4 * j], tiles[a].bytes[i],
          [&](int q) -> const uint8_t* { return &tiles[w].bytes[q][4 * j]; }, k);
}

void multiply_bytes(int sum, int a, int w, bool a_signed, bool w_signed) {
  multiply(sum, a, w, [&](uint8_t* at, const uint8_t* row, const auto& column, int k) {
    uint32_t total;
    std::memcpy(&total, at, 4);
    for (int q = 0; q < k; ++q) total += dot(row + 4 * q, column(q), a_signed, w_signed);
    std::memcpy(at, &total, 4);
  });
}

void multiply_bf16(int sum, int a, int w) {
  multiply(sum, a, w, [](uint8_t* at, const uint8_t* row, const auto& column, int k) {
    float chains[2] = {};
    for (int q = 0; q < k; ++q)
      for (int i = 0; i < 2; ++i)
        chains[i] = flushed(std::fma(read_bf16(row + 4 * q + 2 * i), read_bf16(column(q) + 2 * i), chains[i]));
    const float total = flushed(read_float(at) + flushed(chains[0] + chains[1]));
    std::memcpy(at, &total, 4);
  });
}

// VEX.128 of map 0F38 and W0: 49 configuration and zero, 4B loads and stores, 5C products
// of bf16, 5E of bytes.
bool execute(Instruction& code, greg_t* general) {
  if (!code.ours || code.map != 2 || code.w != 0 || code.length != 0) return false;
  const bool memory = code.in_memory();
  switch (code.opcode) {
    case 0x49:
      if (memory && code.prefix == 0) load_config(code.address(general).sum());
      if (memory && code.prefix == 1) std::memcpy(code.address(general).sum(), &config, sizeof config);
      if (!memory && code.prefix == 0) release();
      if (!memory && code.prefix == 3) {
        check_configured(code.reg);
        std::memset(&tiles[code.reg], 0, sizeof(Tile));
      }
      return memory ? code.prefix < 2 : code.prefix == 0 || code.prefix == 3;
    case 0x4b: {
      if (!memory || code.rm != 4 || code.prefix == 0) return false;
      const Instruction::Address at = code.address(general);
      move_tile(code.reg, reinterpret_cast<uint8_t*>(at.base), at.index, code.prefix != 2);
      return true;
    }
    case 0x5c:
      if (memory || code.prefix != 2) return false;
      multiply_bf16(code.reg, code.rm | code.b, code.vvvv);
      return true;
    case 0x5e:
      if (memory) return false;
      multiply_bytes(code.reg, code.rm | code.b, code.vvvv, code.prefix >= 2, code.prefix & 1);
      return true;
    default:
      return false;
  }
}

const uint8_t* carry_out(const uint8_t* start, void* context) {
  Instruction code = vex_instruction(start);
  return execute(code, general_registers(context)) ? code.end : nullptr;
}

[[maybe_unused]] const auto* const environment =
    ::testing::AddGlobalTestEnvironment(new TrapEnvironment<carry_out>("AMX", [] { return !cpu_has_amx(); }));

}  // namespace

// The linker's --wrap: every call of these two arrives at those below.
extern "C" FeatureSet __real__ZN5lathe12cpu_featuresEv();
extern "C" FeatureSet __real__ZN5lathe9isa_needsENS_3IsaE(Isa isa);

bool cpu_has_amx() { return has_all(__real__ZN5lathe12cpu_featuresEv(), static_cast<FeatureSet>(Feature::amx_int8)); }

int64_t amx_traps() { return traps.load(std::memory_order_relaxed); }

extern "C" FeatureSet __wrap__ZN5lathe12cpu_featuresEv() {
  return __real__ZN5lathe12cpu_featuresEv() | Feature::amx_int8;
}
extern "C" FeatureSet __wrap__ZN5lathe9isa_needsENS_3IsaE(Isa isa) {
  if (isa != Isa::amx) return __real__ZN5lathe9isa_needsENS_3IsaE(isa);
  return __real__ZN5lathe9isa_needsENS_3IsaE(Isa::avx2) | Feature::amx_int8;
}

}  // namespace lathe
