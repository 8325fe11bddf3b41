#include "run/time_cancel.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "platform/clock.h"
#include "run/answering.h"
#include "run/time_calls.h"
#include "run/time_generation.h"

namespace lathe::run {
namespace {

// Milliseconds from cancel() until a step has told the session's end; nothing where the prompt was done before.
Result<std::optional<double>> cancel_once(Generator& generator, std::span<const int32_t> ids, double after_ns) {
  const auto session = generator.start(ids, {.max_tokens = 0});
  if (!session) return session.status();
  int64_t called = 0;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::duration<double, std::nano>(after_ns));
    called = now_ns();
    generator.cancel(*session);
  });
  Status status;
  Finish finish = Finish::none;
  while (generator.busy() && status.ok())
    status = generator.step([&finish](const SessionEvent& event) { finish = event.finish; });
  const int64_t told = now_ns();
  other.join();
  if (!status.ok()) return status;
  if (finish != Finish::cancelled) return std::optional<double>();
  return std::optional(static_cast<double>(told - called) / 1e6);
}

}  // namespace

Result<CancelReport> time_cancel(Generator& generator, int64_t prompt, int64_t tries) {
  const auto whole = time_generation(generator, {.tokens = prompt}, 1);
  if (!whole) return whole.status();
  CancelReport report = {.prompt = prompt, .run_ms = whole->wall_ns / 1e6};
  std::vector<double> ms;
  for (int64_t i = 0; i < tries; ++i) {
    const double after = whole->wall_ns * (static_cast<double>(i) + 0.5) / static_cast<double>(tries);
    const auto took = cancel_once(generator, random_tokens(generator, prompt, static_cast<uint64_t>(i) + 2), after);
    if (!took) return took.status();
    if (*took) ms.push_back(**took);
  }
  report.tries = static_cast<int64_t>(ms.size());
  if (ms.empty()) return report;
  report.worst_ms = *std::ranges::max_element(ms);
  report.median_ms = quantiles(std::move(ms)).p50;
  return report;
}

}  // namespace lathe::run
