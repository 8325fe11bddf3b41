#include "run/time_calls.h"

#include <algorithm>
#include <cmath>

#include "platform/clock.h"
#include "platform/thread_times.h"

namespace lathe::run {
namespace {

using Views = std::vector<std::string_view>;

Status embed(Embedder& embedder, const Views& texts, int64_t* tokens) {
  return embedder.embed(texts, [&](const Embedding& e) {
    *tokens += std::min(e.tokens, embedder.max_tokens());
    return e.status;
  });
}

}  // namespace

Result<CallTimes> time_calls(Embedder& embedder, const Scenario& scenario, const TimeOptions& options) {
  std::vector<Views> calls;
  for (const auto& call : scenario.calls) calls.emplace_back(call.begin(), call.end());
  CallTimes times;
  for (const Views& call : calls)
    if (options.warm_up)
      if (Status status = embed(embedder, call, &times.cycle_tokens); !status.ok()) return status;

  const auto enough = [&](int64_t began) {
    const double seconds = static_cast<double>(now_ns() - began) / 1e9;
    const bool many = static_cast<int64_t>(times.wall_ns.size()) >= options.calls;
    return seconds >= options.seconds * (many ? 1 : options.patience);
  };
  const int64_t began = now_ns();
  do {
    int64_t tokens = 0;
    for (const Views& call : calls) {
      const int64_t cpu = live_threads_cpu_ns(), wall = now_ns();
      Status status = embed(embedder, call, &tokens);
      const int64_t wall_end = now_ns(), cpu_end = live_threads_cpu_ns();
      if (!status.ok()) return status;
      times.wall_ns.push_back(static_cast<double>(wall_end - wall));
      times.cpu_ns.push_back(static_cast<double>(cpu_end - cpu));
      times.texts += static_cast<int64_t>(call.size());
    }
    times.tokens += tokens;
    times.cycle_tokens = tokens;
  } while (!enough(began));
  return times;
}

Quantiles quantiles(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(samples.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, samples.size() - 1);
    return std::lerp(samples[below], samples[above], place - static_cast<double>(below));
  };
  return {at(0.5), at(0.95), at(0.99)};
}

}  // namespace lathe::run
