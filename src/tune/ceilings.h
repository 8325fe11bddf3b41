// What this machine can do at most, measured: multiply-adds from registers, reads from memory, and what it costs to
// meet. Every figure of the probe is a share of these, taken in the same run.
#pragma once

#include <cstdint>

#include "lathe/status.h"
#include "platform/cpu.h"
#include "platform/team.h"

namespace lathe::tune {

struct Rate {
  double giga = 0;    // GFLOP/s, Gop/s or GB/s of the fastest trial
  double spread = 0;  // how far the median trial lay below it, as a share of it
};

struct Ceilings {
  int threads = 1;
  // With all of the team, and with one thread. Where no instruction multiplies bf16, f32 ones do that work.
  Rate fma, mac, byte_mac, bf16, read;
  Rate fma_one, mac_one, byte_mac_one, bf16_one, read_one;
  double barrier_ns = 0, empty_program_ns = 0;
};

struct CeilingOptions {
  FeatureSet features = cpu_features();
  int64_t last_cache_bytes = int64_t{32} << 20;
  int64_t available_bytes = 0;  // the read buffer takes a quarter of it at most; 0: not known
  int trials = 15;
};

// About a second. Noise only ever slows a loop down, so a ceiling is the fastest of its trials, of 2 ms and more each:
// far above what a clock gets wrong, and short enough that some run undisturbed on a shared machine. A median would be
// beaten by the first product that has the machine to itself.
Result<Ceilings> measure_ceilings(Team& team, const CeilingOptions& options);

// Measures again and keeps the larger figures in `of`. A neighbour on the memory bus comes and goes within minutes, so
// a long probe looks before and after.
Status raise_ceilings(Team& team, const CeilingOptions& options, Ceilings* of);

}  // namespace lathe::tune
