// What compiling in the background costs the work that runs meanwhile, and what it spares: a submission of 32 products
// by itself, the same while another thread compiles, and a pipeline that is waited for.
#include <benchmark/benchmark.h>

#include "gpu/instance.h"
#include "gpu/matmul_program.h"
#include "platform/clock.h"

namespace lathe::gpu {
namespace {

constexpr int64_t kSize = 512;
constexpr int kDispatches = 32;

struct Work {
  std::shared_ptr<Device> device;
  std::vector<std::shared_ptr<Buffer>> buffers;
  std::shared_ptr<Recording> recording;
};

Result<Work> make_work() {
  const auto instance = Instance::create();
  if (!instance) return instance.status();
  auto device = (*instance)->open(0);
  if (!device) return device.status();
  Work work;
  work.device = *device;
  const MatmulProblem problem = {.n = kSize, .k = kSize};
  auto program = MatmulProgram::create(**device, *find_matmul_variant("columns.f32.64x64"), problem);
  if (!program) return program.status();
  for (const int64_t bytes : {program->weights().bytes, kSize * 4, kSize * 4}) {
    auto buffer = (*device)->create_buffer(bytes, MemoryUse::device);
    if (!buffer) return buffer.status();
    work.buffers.push_back(*buffer);
  }
  auto recording = (*device)->record();
  if (!recording) return recording.status();
  work.recording = *recording;
  MatmulArgs args;
  args.w = {work.buffers[0].get(), 0}, args.x = {work.buffers[1].get(), 0}, args.y = {work.buffers[2].get(), 0};
  args.x_row = args.y_row = kSize;
  for (int i = 0; i < kDispatches; ++i) {
    if (Status s = program->record(**recording, args); !s.ok()) return s;
    (*recording)->barrier();
  }
  if (Status s = (*recording)->end(); !s.ok()) return s;
  return work;
}

// Every other row of the table that takes such a product.
std::vector<PipelineSpec> others(const Device& device) {
  std::vector<PipelineSpec> specs;
  for (const MatmulVariant& v : matmul_variants())
    if (const MatmulProblem p = {.n = 8192, .k = kSize, .w = v.w}; matmul_refusal(v, p, device.info()).empty())
      specs.push_back(matmul_pipeline(v, p, device.info()));
  return specs;
}

void submission(benchmark::State& state, bool compiling) {
  Result<Work> work = failed("not made");
  PipelineSpec last;
  for (auto _ : state) {
    if (!work || (compiling && work->device->pipeline_ready(last))) {
      work = make_work();
      if (!work) return state.SkipWithError(work.status().message().c_str());
      if (compiling) {
        for (const PipelineSpec& spec : others(*work->device)) work->device->prepare_pipeline(last = spec);
      }
    }
    const int64_t start = now_ns();
    if (Status s = work->device->submit(*work->recording); !s.ok()) return state.SkipWithError(s.message().c_str());
    state.SetIterationTime(static_cast<double>(now_ns() - start) * 1e-9);
  }
}

void waited_for(benchmark::State& state) {
  auto work = make_work();
  if (!work) return state.SkipWithError(work.status().message().c_str());
  std::vector<PipelineSpec> specs = others(*work->device);
  for (auto _ : state) {
    if (specs.empty()) {
      work = make_work();
      specs = others(*work->device);
    }
    const int64_t start = now_ns();
    if (auto made = work->device->create_pipeline(specs.back()); !made)
      return state.SkipWithError(made.status().message().c_str());
    state.SetIterationTime(static_cast<double>(now_ns() - start) * 1e-9);
    specs.pop_back();
  }
}

BENCHMARK_CAPTURE(submission, alone, false)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(submission, while_compiling, true)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(waited_for)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace lathe::gpu
