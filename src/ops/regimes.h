// The numbers by which products are divided and variants preferred, each with the measurement that set it.
#pragma once

#include <cstdint>

#include "kernels/matmul/matmul.h"

namespace lathe::ops {

// One worker is given at least this much estimated time: a barrier and a cold start of a second thread cost about half.
constexpr double kNsPerWorker = 1500;
constexpr double kFlopsPerNs = 90;  // what one core does at best, roughly: AVX2 at 3 GHz
constexpr double kBytesPerNs = 12;

// Rows of A that one pass over the weights serves.
constexpr int64_t kRowsPerBlock = 192;

// Rows that a worker must have to own them: it prepares them and claims their columns first, so that its A and its C
// stay in its own cache. Two workers, f32, products of MiniLM: 168 -> 180 GFLOP/s with 1152 rows, 169 -> 178 with 128,
// 162-167 -> 163-173 with 64; no difference with 32. Fewer rows, and every core reads all weights for nothing.
constexpr int64_t kRowsPerOwner = 32;

// Columns are claimed in runs of panels: about this many runs a worker, none longer than the panels that take turns
// over a chunk of A. The last of them are claimed one tile at a time, or the end would wait for a run of 4 panels: 8 %
// of 288 x 288 x 256.
constexpr int64_t kClaimsPerWorker = 4;
constexpr int64_t kMostPanels = 8;

// Fewer panels a worker than this, and workers are given rows instead of columns.
constexpr int64_t kPanelsPerWorker = 4;

// May the variant be chosen without a plan that has measured it? Not
// - a7 by SME: by count the dot product is as fast (docs/isa.md), and has a unit for every core.
// - SVE: most cores with it multiply as many numbers a cycle by NEON.
// - AMX where every block of 32 k is scaled by itself, so that the sums of a tile go through memory: a16 and a7 with
// fewer
//   rows than 32 (0.6 to 1.2 times the speed of VNNI; 1.03 to 1.33 times with more, once 0.78 and 1.00), a8 at all
//   (0.55 to 0.97). Sums over all of K (a16r, s32) stay in tiles: 1.8 to 5.0 times the speed of vpdpwssd, from one row
//   on. One thread of a Sapphire Rapids that others used as well, weights in the caches, the fastest of 1500 calls in
//   turns.
constexpr int64_t kTileBlockRows = 32;
bool by_default(const matmul::Variant& variant, const matmul::Problem& problem);

// Of two variants of one instruction set that both take the problem: is `a` the better default?
bool preferred(const matmul::Variant& a, const matmul::Variant& b, const matmul::Problem& problem);

}  // namespace lathe::ops
