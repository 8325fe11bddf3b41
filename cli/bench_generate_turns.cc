#include "bench_generate_turns.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "answer_requests.h"
#include "base/shown.h"
#include "output_file.h"
#include "run/time_generation.h"

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

Json time_json(run::Generator& generator, run::GenerateTest::Kind kind, const Json& request) {
  const run::GenerateTest test = {
      .kind = kind, .tokens = request.at("tokens").get<int64_t>(), .texts = request.value("texts", int64_t{1})};
  const auto times = run::time_generation(generator, test, request.value("seed", uint64_t{1}));
  if (!times) return request_error(times.status().message());
  return {
      {"tokens", times->tokens}, {"wall_ns", times->wall_ns}, {"cpu_ns", times->cpu_ns}, {"step_ns", times->step_ns}};
}

Status write_logits(run::Generator& generator, std::span<const int32_t> ids, OutputFile& file) {
  run::SessionOptions options = {.max_tokens = 0};
  options.each_logits = [&file](int64_t, std::span<const float> row) {
    return file.write({reinterpret_cast<const char*>(row.data()), row.size_bytes()});
  };
  const auto session = generator.start(ids, std::move(options));
  if (!session) return session.status();
  Status ended;
  while (generator.busy()) {
    const Status status = generator.step([&ended](const run::SessionEvent& event) { ended = event.status; });
    if (!status.ok()) return status;
  }
  return ended.ok() ? file.commit() : ended;
}

Json logits_json(run::Generator& generator, const Json& request) {
  const auto ids = request.at("ids").get<std::vector<int32_t>>();
  auto file = OutputFile::open(request.at("file").get<std::string>(), false);
  if (!file) return request_error(file.status().message());
  if (const Status status = write_logits(generator, ids, *file); !status.ok()) return request_error(status.message());
  return {{"rows", ids.size()}};
}

Json answer(run::Generator& generator, const Json& request) {
  const std::string ask = request.value("ask", "");
  if (ask == "model") return {{"vocabulary", generator.config().vocabulary}, {"context", generator.context()}};
  if (ask == "prompt") return time_json(generator, run::GenerateTest::Kind::prompt, request);
  if (ask == "answer") return time_json(generator, run::GenerateTest::Kind::answer, request);
  if (ask == "logits") return logits_json(generator, request);
  return request_error("'ask' is " + shown(ask) + ", needed: model, prompt, answer or logits");
}

}  // namespace

Status take_turns(run::Generator& generator) {
  return answer_requests([&generator](const Json& request) { return answer(generator, request); });
}

}  // namespace lathe::cli
