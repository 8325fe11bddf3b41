// The probe on a GPU: every row of gpu::matmul_variants() verified, then timed in turns, by the device's timestamps and
// by the host's clock side by side.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/instance.h"
#include "gpu/matmul.h"
#include "probe/probe.h"
#include "tune/device_plan.h"

namespace lathe::probe {

struct DeviceTiming {
  Timing gpu;              // of a dispatch, by timestamps around it; the weights of each are another copy
  double alone_ms = 0;     // wall time of a dispatch that is submitted and waited for by itself, median
  double together_ms = 0;  // and of one of many in one submission
};

struct DeviceRow {
  int64_t shape = 0;               // index into DeviceReport::shapes
  std::string provider = "lathe";  // or "cublas"
  std::string variant;
  std::string layout;
  Disposition disposition = Disposition::not_verified;
  std::string reason;  // of not_supported, failed, incorrect
  double max_rel = 0, nmse = 0;
  DeviceTiming timing;  // only where passed
  double gflops = 0, gbps = 0;
  double share = 0;     // of the bandwidth of copying
  bool best = false;    // the fastest of ours
  bool chosen = false;  // what the plan names, or the table's first without one
};

struct DeviceReport {
  gpu::DeviceInfo device;
  std::vector<Shape> shapes;
  std::vector<DeviceRow> rows;  // by shape, then in the order of the table
  double copy_gbps = 0;         // bytes read and written by a copy from buffer to buffer, in the same run
  bool hot = false;
  int64_t dispatches = 0;  // of a submission
  std::string date;
  std::vector<std::string> notes;
};

struct DeviceOptions {
  std::string device = "vulkan";      // by name: vulkan:N
  std::string pipeline_folder;        // where compiled pipelines are kept between runs; empty: nowhere
  std::vector<std::string> variants;  // names or globs; empty: all
  // What a plan names for it; not set, or nullptr: the table's first.
  std::function<const gpu::MatmulVariant*(const gpu::DeviceInfo&, const gpu::MatmulProblem&)> plan;
  std::vector<std::string> providers;  // empty: cublas where the device is one of NVIDIA's; "cublas"; "none"
  bool hot = false;                    // one copy of the weights, which may stay in the device's caches
  bool bitwise = false;                // run everything twice and compare bits
  double seconds = 0.3;                // of the device's time per row and shape, and at least `samples` dispatches
  int samples = 20;
  uint64_t seed = 1;
};

Result<DeviceReport> run_device_probe(const std::vector<Shape>& shapes, const DeviceOptions& options,
                                      const std::function<void(int64_t, int64_t, std::string_view)>& progress);

// Every row that passed, for the device that was measured, beside what `plan` has of it.
tune::DevicePlan update_device_plan(const DeviceReport& report, tune::DevicePlan plan);

}  // namespace lathe::probe
