#include "bench_head.h"

#include <ctime>

#include "formats/model_files.h"
#include "platform/machine.h"
#include "platform/process_memory.h"

namespace lathe::cli {
namespace {

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

void begin_bench(BenchHead& head) {
  head.date = now_text();
  head.load = load_averages()[0];
}

void note_idle(BenchHead& head) {
  if (const auto memory = process_memory()) {
    head.idle_bytes = memory->resident();
    head.idle_anonymous_bytes = memory->anonymous;
  }
}

void note_peak(BenchHead& head) {
  if (const auto memory = process_memory()) head.peak_bytes = memory->peak;
}

Status add_ceilings(Team& team, matmul::Type stored, BenchHead& head) {
  tune::CeilingOptions options;
  if (this_machine().l3.bytes > 0) options.last_cache_bytes = this_machine().l3.bytes;
  options.available_bytes = this_machine().memory_available;
  const auto ceilings = tune::measure_ceilings(team, options);
  if (!ceilings) return ceilings.status();
  head.ceilings = *ceilings;
  switch (stored) {
    case matmul::Type::f32:
    case matmul::Type::bf16:
    case matmul::Type::f16:
      head.ceiling = "f32 multiply-adds", head.ceiling_gflops = ceilings->fma.giga;
      break;
    case matmul::Type::bf16_b16:
    case matmul::Type::bf16_d16:
      head.ceiling = "bf16 multiply-adds", head.ceiling_gflops = ceilings->bf16.giga;
      break;
    case matmul::Type::q8_0:  // its products are of 16-bit integers
      head.ceiling = "16-bit multiply-adds", head.ceiling_gflops = ceilings->mac.giga;
      break;
    default:
      head.ceiling = "byte multiply-adds", head.ceiling_gflops = ceilings->byte_mac.giga;
  }
  return {};
}

Status add_starts(const std::string& model, const std::string& hub, const std::vector<std::string>& command,
                  BenchHead& head) {
  const auto files = resolve_model(model, hub);
  if (!files) return files.status();
  const bool folder = files->format == ModelFiles::Format::safetensors;
  const auto starts = measure_starts(command, files_below(folder ? files->folder : files->weights));
  if (!starts) return starts.status();
  head.starts = *starts;
  return {};
}

}  // namespace lathe::cli
