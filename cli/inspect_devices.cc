// lathe inspect devices: what computes beside the CPU, and how many rows of the table of products it runs.
#include "inspect_devices.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "gpu/instance.h"
#include "gpu/matmul.h"

namespace lathe::cli {
namespace {

struct Options {
  bool json = false;
};

using gpu::DeviceInfo;
using Lines = std::vector<std::pair<std::string, std::string>>;

std::string label(const DeviceInfo& d) { return fmt::format("vulkan:{}", d.index); }

std::string mib(int64_t bytes) { return fmt::format("{} MiB", bytes >> 20); }

// Features that some row needs and the device lacks; sizes of workgroups and matrices are other reasons.
std::string lacking(const DeviceInfo& d) {
  gpu::FeatureSet lacks = 0;
  for (const gpu::MatmulVariant& v : gpu::matmul_variants()) lacks |= v.needs & ~d.features;
  return gpu::feature_names(lacks);
}

int64_t rows_that_run(const DeviceInfo& d) {
  const auto rows = gpu::matmul_variants();
  return std::count_if(rows.begin(), rows.end(),
                       [&](const gpu::MatmulVariant& v) { return gpu::device_refusal(v, d).empty(); });
}

std::string subgroup_text(const DeviceInfo& d) {
  if (d.subgroup_least == d.subgroup_most) return fmt::format("{}", d.subgroup_size);
  return fmt::format("{} of {} to {}", d.subgroup_size, d.subgroup_least, d.subgroup_most);
}

std::string matrices_text(const DeviceInfo& d) {
  std::string text;
  for (const gpu::MatrixSize& m : d.matrices)
    text += fmt::format("{}{} x {} x {}", text.empty() ? "" : ", ", m.m, m.n, m.k);
  return text.empty() ? "none of f16 with sums in f32" : text;
}

Lines describe(const DeviceInfo& d) {
  const std::string lacks = lacking(d);
  return {
      {"device", fmt::format("{}: {}", label(d), d.name)},
      {"usable", d.unusable.empty() ? "yes" : "no: it " + d.unusable},
      {"kind", std::string(gpu::kind_name(d.kind))},
      {"driver", fmt::format("{} {}", d.driver, d.driver_version)},
      {"Vulkan", d.api_version},
      {"vendor and device", fmt::format("{:04x}:{:04x}", d.vendor_id, d.device_id)},
      {"memory", fmt::format("{}, {} in one buffer", mib(d.memory_bytes), mib(d.most_buffer_bytes))},
      {"subgroup", subgroup_text(d)},
      {"workgroup", fmt::format("{} threads, {} bytes shared", d.most_threads, d.shared_bytes)},
      {"matrices", matrices_text(d)},
      {"timestamps",
       d.timestamp_bits == 0 ? "none" : fmt::format("{} bits of {:.4g} ns", d.timestamp_bits, d.timestamp_ns)},
      {"features", d.features == 0 ? "none that kernels use" : gpu::feature_names(d.features)},
      {"products", fmt::format("{} of {} kernels{}", rows_that_run(d), gpu::matmul_variants().size(),
                               lacks.empty() ? "" : ", lacks " + lacks)},
  };
}

nlohmann::ordered_json to_json(const DeviceInfo& d) {
  auto features = nlohmann::ordered_json::array();
  for (int i = 0; i < gpu::kFeatures; ++i)
    if (const auto feature = static_cast<gpu::Feature>(i); gpu::has(d, gpu::feature_bit(feature)))
      features.push_back(gpu::feature_name(feature));
  auto matrices = nlohmann::ordered_json::array();
  for (const gpu::MatrixSize& m : d.matrices) matrices.push_back({m.m, m.n, m.k});
  return {
      {"device", label(d)},
      {"name", d.name},
      {"usable", d.unusable.empty()},
      {"reason", d.unusable},
      {"kind", gpu::kind_name(d.kind)},
      {"driver", d.driver},
      {"driver_version", d.driver_version},
      {"vulkan", d.api_version},
      {"vendor_id", d.vendor_id},
      {"device_id", d.device_id},
      {"memory_bytes", d.memory_bytes},
      {"most_buffer_bytes", d.most_buffer_bytes},
      {"subgroup_size", d.subgroup_size},
      {"subgroup_sizes", {d.subgroup_least, d.subgroup_most}},
      {"workgroup_threads", d.most_threads},
      {"shared_bytes", d.shared_bytes},
      {"timestamp_bits", d.timestamp_bits},
      {"timestamp_ns", d.timestamp_ns},
      {"features", std::move(features)},
      {"matrices", std::move(matrices)},
      {"matmul_kernels", rows_that_run(d)},
      {"matmul_kernels_in_build", gpu::matmul_variants().size()},
  };
}

void print_text(const std::vector<DeviceInfo>& devices) {
  for (size_t i = 0; i < devices.size(); ++i) {
    if (i > 0) fmt::print("\n");
    const Lines lines = describe(devices[i]);
    size_t width = 0;
    for (const auto& line : lines) width = std::max(width, line.first.size());
    for (const auto& [name, value] : lines) fmt::print("{:<{}}  {}\n", name, width, value);
  }
}

// No Vulkan is an answer here and no error: the command asks what there is.
Status inspect_devices(const Options& options) {
  const auto instance = gpu::Instance::create();
  if (!instance && instance.status().code() != Code::not_found && instance.status().code() != Code::unsupported)
    return instance.status();
  const std::vector<DeviceInfo> devices = instance ? (*instance)->devices() : std::vector<DeviceInfo>();
  const std::string none = instance ? "there is no Vulkan device on this machine" : instance.status().message();
  if (options.json) {
    auto list = nlohmann::ordered_json::array();
    for (const DeviceInfo& d : devices) list.push_back(to_json(d));
    const nlohmann::ordered_json document = {{"devices", std::move(list)}, {"reason", devices.empty() ? none : ""}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else if (devices.empty()) {
    fmt::print("No device: {}.\n", none);
  } else {
    print_text(devices);
  }
  return {};
}

}  // namespace

void add_inspect_devices(CLI::App& inspect, Command& chosen) {
  CLI::App* command = inspect.add_subcommand("devices", "The GPUs that Vulkan finds: driver, limits, features");
  auto options = std::make_shared<Options>();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &chosen] { chosen = [options] { return inspect_devices(*options); }; });
}

}  // namespace lathe::cli
