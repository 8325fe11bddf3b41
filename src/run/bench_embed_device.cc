#include "run/bench_embed_device.h"

namespace lathe::run {
namespace {

Status embed(Embedder& embedder, const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return embedder.embed(views, [](const Embedding& e) { return e.status; });
}

Result<double> submissions_per_call(Embedder& embedder, const Scenario& scenario) {
  const int64_t before = embedder.device()->submissions();
  for (const auto& call : scenario.calls)
    if (Status s = embed(embedder, call); !s.ok()) return s;
  return static_cast<double>(embedder.device()->submissions() - before) / static_cast<double>(scenario.calls.size());
}

Result<SweepRow> sweep(Embedder& embedder, const std::vector<std::string>& texts, double seconds) {
  auto row = sweep_pass(
      [&](ops::Dispatch way) {
        embedder.set_dispatch(way);
        return embed(embedder, texts);
      },
      seconds);
  embedder.set_dispatch(ops::Dispatch::model);
  if (row) row->texts = std::ssize(texts);
  return row;
}

}  // namespace

Result<DeviceEmbedTest> bench_on_device(Embedder& embedder, const Scenario& scenario,
                                        const DeviceEmbedOptions& options) {
  if (embedder.device() == nullptr) return invalid_argument("the model is on the CPU, needed: on a device");
  const auto times = time_calls(embedder, scenario, {.seconds = options.seconds});
  if (!times) return times.status();
  DeviceEmbedTest test;
  test.name = scenario.name;
  test.what = scenario.what;
  test.samples = std::ssize(times->wall_ns);
  test.texts_per_call = std::ssize(scenario.calls.front());
  test.tokens_per_call = static_cast<double>(times->cycle_tokens) / static_cast<double>(scenario.calls.size());
  std::vector<double> per_text;
  for (size_t i = 0; i < times->wall_ns.size(); ++i)
    per_text.push_back(times->wall_ns[i] / 1e6 / static_cast<double>(scenario.calls[i % scenario.calls.size()].size()));
  test.wall_ms = quantiles(std::move(per_text));
  test.texts_per_s = 1e3 / test.wall_ms.p50;
  test.tokens_per_s = test.tokens_per_call / quantiles(times->wall_ns).p50 * 1e9;
  const auto submissions = submissions_per_call(embedder, scenario);
  if (!submissions) return submissions.status();
  test.submissions_per_call = *submissions;
  if (!options.sweep) return test;
  const auto row = sweep(embedder, scenario.calls.front(), options.seconds / 2);
  if (!row) return row.status();
  test.sweep = *row;
  return test;
}

}  // namespace lathe::run
