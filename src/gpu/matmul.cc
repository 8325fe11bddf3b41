#include "gpu/matmul.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"

namespace lathe::gpu {
namespace {

std::string refuse_rows(const MatmulVariant& v, int64_t m) {
  if (m >= v.m_least && (v.m_most == 0 || m <= v.m_most)) return "";
  if (v.m_most == 0) return fmt::format("{} rows of x, needed: {} or more", m, v.m_least);
  if (v.m_least == v.m_most) return fmt::format("{} rows of x, needed: {}", m, v.m_least);
  return fmt::format("{} rows of x, needed: {} to {}", m, v.m_least, v.m_most);
}

}  // namespace

const MatmulVariant* find_matmul_variant(std::string_view name) {
  const auto all = matmul_variants();
  const auto found = std::find_if(all.begin(), all.end(), [&](const MatmulVariant& v) { return v.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string device_refusal(const MatmulVariant& v, const DeviceInfo& device) {
  if (!device.unusable.empty()) return "the device " + device.unusable;
  if (!has(device, v.needs)) return "the device lacks " + feature_names(v.needs & ~device.features);
  if (v.matrix.m > 0 && std::ranges::count(device.matrices, v.matrix) == 0)
    return fmt::format("the device has no matrices of {} x {} x {}", v.matrix.m, v.matrix.n, v.matrix.k);
  const int64_t threads = threads_of_group(v, device);
  if (threads > device.most_threads)
    return fmt::format("workgroups of {} threads, the device has {} at most", threads, device.most_threads);
  if (v.subgroups && threads % device.subgroup_size != 0)
    return fmt::format("workgroups of {} threads are not whole subgroups of {}", threads, device.subgroup_size);
  const bool asks = v.subgroups && device.subgroup_least != device.subgroup_most;
  if (asks && threads > device.subgroup_size * device.most_subgroups)
    return fmt::format("workgroups of {} threads, the device has {} subgroups of {} at most", threads,
                       device.most_subgroups, device.subgroup_size);
  return "";
}

std::string matmul_refusal(const MatmulVariant& variant, const MatmulProblem& problem, const DeviceInfo& device) {
  if (problem.w != variant.w)
    return fmt::format("weights of {}, needed: {}", type_name(problem.w), type_name(variant.w));
  if (problem.gated && problem.accumulate) return "a gated product is not added to what was there";
  if (problem.m < 1 || problem.n < 1 || problem.k < 1) return "a size below 1";
  if (std::string why = refuse_rows(variant, problem.m); !why.empty()) return why;
  const auto size = packed_size(variant.w, variant.layout, problem.gated ? 2 * problem.n : problem.n, problem.k);
  if (!size) return size.status().message();
  if (problem.m * problem.n > UINT32_MAX || problem.m * round_up(problem.k, 4) > UINT32_MAX)
    return "more than 4294967295 elements of x or y";
  if (std::string why = device_refusal(variant, device); !why.empty()) return why;
  if (const int64_t shared = variant.shared_bytes(variant, problem, device); shared > device.shared_bytes)
    return fmt::format("{} bytes of shared memory, the device has {}", shared, device.shared_bytes);
  if (size->bytes > device.most_buffer_bytes)
    return fmt::format("weights of {} bytes, the device has buffers of {} at most", size->bytes,
                       device.most_buffer_bytes);
  const Groups groups = matmul_groups(variant, problem, device);
  if (groups.x > device.most_groups || groups.y > device.most_groups)
    return fmt::format("{} x {} workgroups, the device has {} either way", groups.x, groups.y, device.most_groups);
  return variant.refuses == nullptr ? "" : variant.refuses(variant, problem, device);
}

const MatmulVariant* default_matmul_variant(const MatmulProblem& problem, const DeviceInfo& device,
                                            std::optional<WeightLayout> layout) {
  for (const MatmulVariant& v : matmul_variants())
    if ((!layout || v.layout == *layout) && matmul_refusal(v, problem, device).empty()) return &v;
  return nullptr;
}

int64_t threads_of_group(const MatmulVariant& variant, const DeviceInfo& device) {
  const Geometry& g = variant.geometry;
  return g.threads > 0 ? g.threads : g.subgroups * device.subgroup_size;
}

int64_t columns_of_group(const MatmulVariant& variant, const DeviceInfo& device) {
  const Geometry& g = variant.geometry;
  if (g.per_subgroup > 0) return std::max<int64_t>(1, g.threads / device.subgroup_size) * g.per_subgroup;
  return g.tile_n > 0 ? g.tile_n : g.threads;
}

// Rows of tiles along y, where a variant has such; else one row of workgroups, folded where it is too long for a
// device.
Groups matmul_groups(const MatmulVariant& variant, const MatmulProblem& problem, const DeviceInfo& device) {
  const int64_t columns = ceil_div(problem.n, columns_of_group(variant, device));
  if (variant.m_most == 0) return {columns, ceil_div(problem.m, variant.geometry.tile_m)};
  const int64_t rows = ceil_div(columns, std::max<int64_t>(1, device.most_groups));
  return {ceil_div(columns, rows), rows};
}

PipelineSpec matmul_pipeline(const MatmulVariant& variant, const MatmulProblem& problem, const DeviceInfo& device) {
  const Geometry& g = variant.geometry;
  PipelineSpec spec;
  spec.shader = variant.shader;
  spec.full_subgroups = variant.subgroups;
  spec.constants = {static_cast<uint32_t>(threads_of_group(variant, device)), static_cast<uint32_t>(variant.w),
                    problem.gated ? 1u : 0u};
  spec.constants.insert(spec.constants.end(), g.constants.begin(), g.constants.begin() + g.constant_count);
  return spec;
}

}  // namespace lathe::gpu
