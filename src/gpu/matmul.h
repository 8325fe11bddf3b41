// The products of a device, and the row that describes one.
//
//   y[i,j] = epilogue( sum over k of x[i,k] * W[j,k] )      0 <= i < m, 0 <= j < n, 0 <= k < K; x and y f32
//
// W lies as gpu/weights.h has it. The order of addition is fixed by the variant, the shape and the device's subgroup
// size, so that a product has the same bits whenever it runs; other than on the CPU, variants differ in it.
//   columns, broadcast, small, tiled    one chain over k for each output (columns with more threads than columns:
//                                       one for each slice of threads, added ascending)
//   cooperative                         one chain over k in steps of a matrix' depth; within a step the device's order
//   subgroups, head, split_k            a chain for each lane over the units that are its turn, then the subgroup's
//                                       tree
// `AdditionOrder` says which of them are the same.
// Every step of a chain is a fused multiply-add where the device has one. A quantised unit's codes are summed first and
// then scaled (tiled: weights are widened first, exactly). cooperative rounds x, and what codes stand for, to f16.
//
// Rows of x are `x_row` floats apart, a multiple of 4, and what lies between K and x_row is not looked at. Nothing but
// the m by n elements of y is written.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gpu/device.h"
#include "gpu/weights.h"

namespace lathe::gpu {

enum class Activation : uint8_t { none, relu, gelu_erf, gelu_tanh, silu, tanh, sigmoid };  // in the shaders' numbers

// What is asked for, without addresses.
struct MatmulProblem {
  int64_t m = 1, n = 1, k = 1;
  WeightType w = WeightType::f32;
  bool gated = false;  // W has 2n columns: y = act(gate) * up
  Activation act = Activation::none;
  bool bias = false, residual = false, accumulate = false;  // accumulate: beta != 0, not with gated
  bool operator==(const MatmulProblem&) const = default;
};

// What a variant's shader is given beside the number of threads, the type and whether it is gated.
struct Geometry {
  int64_t threads = 64;  // of a workgroup; 0: `subgroups` of the device's size
  int64_t subgroups = 0;
  int64_t tile_m = 1, tile_n = 0;       // rows and columns of a workgroup; tile_n 0: so many that each thread has one
  int64_t per_subgroup = 0;             // columns of a subgroup, where those of a workgroup follow from its size
  std::array<uint32_t, 7> constants{};  // constant_id 3 ...
  int64_t constant_count = 0;
};

// Of rows with equal orders an output has the same bits, whatever other rows of x there are.
enum class AdditionPattern : uint8_t {
  in_turn,    // unit u of a column goes to chain u % chains, and the chains are added ascending
  subgroup,   // a chain for each lane, then subgroupAdd
  workgroup,  // a chain for each thread, subgroupAdd, then the subgroups ascending
  widened,    // one chain over the weights as f32
  matrices,   // one chain over matrices, each so many k deep
};
struct AdditionOrder {
  AdditionPattern pattern = AdditionPattern::in_turn;
  int64_t chains = 1;
  bool operator==(const AdditionOrder&) const = default;
};

struct MatmulVariant {
  std::string name;    // shader.type.geometry, a coordinate and unique; nothing reads numbers out of it
  std::string shader;  // a file of shaders/
  WeightType w;
  WeightLayout layout;
  int64_t m_least, m_most;  // rows of x; m_most 0: any number
  Geometry geometry;
  AdditionOrder order;
  FeatureSet needs;
  bool subgroups;     // full ones
  bool rounds;        // x and the values of W to f16
  MatrixSize matrix;  // that the device must have; of zeros: none
  const char* what;   // one line for people
  // Bytes of shared memory.
  int64_t (*shared_bytes)(const MatmulVariant& self, const MatmulProblem& problem, const DeviceInfo& device) noexcept;
  // Empty where it takes the shape, else why not. Types, rows, features and limits were looked at already.
  std::string (*refuses)(const MatmulVariant& self, const MatmulProblem& problem, const DeviceInfo& device);
};

// The one table.
std::span<const MatmulVariant> matmul_variants();
const MatmulVariant* find_matmul_variant(std::string_view name);

// Why no product of `variant` runs on `device`; empty where some do.
std::string device_refusal(const MatmulVariant& variant, const DeviceInfo& device);
// Why `variant` cannot take `problem` on `device`; empty where it can.
std::string matmul_refusal(const MatmulVariant& variant, const MatmulProblem& problem, const DeviceInfo& device);

// What takes `problem` where nothing is known of the device's times: the table's first row that does, of `layout` where
// one is given; nullptr where none does.
const MatmulVariant* default_matmul_variant(const MatmulProblem& problem, const DeviceInfo& device,
                                            std::optional<WeightLayout> layout = {});

int64_t threads_of_group(const MatmulVariant& variant, const DeviceInfo& device);
// Columns that a workgroup of `variant` has on `device`.
int64_t columns_of_group(const MatmulVariant& variant, const DeviceInfo& device);
Groups matmul_groups(const MatmulVariant& variant, const MatmulProblem& problem, const DeviceInfo& device);
PipelineSpec matmul_pipeline(const MatmulVariant& variant, const MatmulProblem& problem, const DeviceInfo& device);

}  // namespace lathe::gpu
