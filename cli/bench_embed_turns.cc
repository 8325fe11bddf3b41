#include "bench_embed_turns.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "answer_requests.h"
#include "base/shown.h"
#include "run/time_calls.h"

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

Json texts_json() {
  Json json = Json::object();
  for (const run::Scenario& s : run::bench_scenarios()) json[s.name] = s.calls;
  return json;
}

Result<run::Scenario> scenario_of(const Json& request) {
  if (request.contains("calls"))
    return run::Scenario{"calls", "", request["calls"].get<std::vector<std::vector<std::string>>>()};
  const std::string name = request.value("scenario", "");
  for (run::Scenario& s : run::bench_scenarios())
    if (s.name == name) return std::move(s);
  return invalid_argument("the scenario is " + shown(name) + ", needed: one that 'texts' names");
}

Json time_json(run::Embedder& embedder, const Json& request) {
  const auto scenario = scenario_of(request);
  if (!scenario) return request_error(scenario.status().message());
  const run::TimeOptions options = {
      .seconds = request.value("seconds", 0.3), .calls = 1, .warm_up = request.value("warm_up", true)};
  const auto times = run::time_calls(embedder, *scenario, options);
  if (!times) return request_error(times.status().message());
  return {{"calls", times->wall_ns.size()},      {"texts", times->texts},     {"tokens", times->tokens},
          {"cycle_tokens", times->cycle_tokens}, {"wall_ns", times->wall_ns}, {"cpu_ns", times->cpu_ns}};
}

Json vectors_json(run::Embedder& embedder, const Json& request) {
  const auto texts = request.at("texts").get<std::vector<std::string>>();
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  Json vectors = Json::array(), tokens = Json::array();
  const Status status = embedder.embed(views, [&](const run::Embedding& e) {
    vectors.push_back(std::vector<float>(e.vector.begin(), e.vector.end()));
    tokens.push_back(std::min(e.tokens, embedder.max_tokens()));
    return e.status;
  });
  if (!status.ok()) return request_error(status.message());
  return {{"vectors", std::move(vectors)}, {"tokens", std::move(tokens)}};
}

Json answer(run::Embedder& embedder, const Json& request) {
  const std::string ask = request.value("ask", "");
  if (ask == "texts") return texts_json();
  if (ask == "time") return time_json(embedder, request);
  if (ask == "vectors") return vectors_json(embedder, request);
  return request_error("'ask' is " + shown(ask) + ", needed: texts, time or vectors");
}

}  // namespace

Status take_turns(run::Embedder& embedder) {
  return answer_requests([&embedder](const Json& request) { return answer(embedder, request); });
}

}  // namespace lathe::cli
