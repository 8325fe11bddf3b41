#include "bench_train_turns.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "answer_requests.h"
#include "base/shown.h"
#include "output_file.h"
#include "platform/clock.h"
#include "platform/mapped_file.h"

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

// Model: models::TrainModel or models::TrainEncoder.
template <class Model>
Json model_json(Model& model, const models::TrainModel::Memory& memory) {
  Json tensors = Json::array();
  for (const models::TrainTensor& tensor : model.tensors())
    tensors.push_back({{"name", tensor.name}, {"shape", tensor.shape}, {"offset", tensor.offset}});
  return {{"tensors", std::move(tensors)},
          {"memory",
           {{"weights", memory.weights},
            {"gradients", memory.gradients},
            {"moments", memory.moments},
            {"activations", memory.activations},
            {"logits", memory.logits},
            {"workspace", memory.workspace}}}};
}

template <class Model>
Json load_json(Model& model, const Json& request) {
  const auto path = request.at("file").get<std::string>();
  const auto file = MappedFile::open(path);
  if (!file) return request_error(file.status().message());
  const std::span<float> weights = model.weights();
  if (file->bytes().size() != weights.size_bytes())
    return request_error(fmt::format("{}: has {} bytes, needed: {} of {} weights", path, file->bytes().size(),
                                     weights.size_bytes(), weights.size()));
  std::memcpy(weights.data(), file->bytes().data(), weights.size_bytes());
  return {{"elements", weights.size()}};
}

template <class Model>
Json save_json(Model& model, const Json& request) {
  const auto what = request.at("what").get<std::string>();
  if (what != "gradients" && what != "weights")
    return request_error("'what' is " + shown(what) + ", needed: gradients or weights");
  const std::span<const float> values = what == "weights" ? model.weights() : model.gradients();
  auto file = OutputFile::open(request.at("file").get<std::string>(), false);
  if (!file) return request_error(file.status().message());
  Status status = file->write({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  if (status.ok()) status = file->commit();
  if (!status.ok()) return request_error(status.message());
  return {{"elements", values.size()}};
}

// What `call` took, beside its answer.
template <class Call>
Json timed(const Call& call) {
  const int64_t wall = now_ns(), cpu = process_cpu_ns();
  Json answer = call();
  answer["wall_ns"] = now_ns() - wall;
  answer["cpu_ns"] = process_cpu_ns() - cpu;
  return answer;
}

Json backward_json(models::TrainEncoder& model, const Json& request) {
  const auto ids = request.at("ids").get<std::vector<int32_t>>(),
             identity = request.at("identity").get<std::vector<int32_t>>();
  const auto offsets = request.at("offsets").get<std::vector<int64_t>>();
  if (offsets.empty() || offsets.back() != static_cast<int64_t>(ids.size()))
    return request_error("'offsets' do not end at the count of 'ids'");
  const models::ContrastBatch batch = {{ids, offsets},
                                       identity,
                                       request.at("pairs").get<int64_t>(),
                                       request.value("negatives", false),
                                       request.value("temperature", 0.05f)};
  return timed([&]() -> Json {
    const auto loss = model.backward(batch, request.value("accumulate", false), request.value("scale", 1.0f));
    if (!loss) return request_error(loss.status().message());
    return {{"loss", *loss}};
  });
}

Json backward_json(models::TrainModel& model, const Json& request) {
  const auto inputs = request.at("inputs").get<std::vector<int32_t>>();
  const auto targets = request.at("targets").get<std::vector<int32_t>>();
  const models::TrainWindows windows = {inputs, targets, request.at("windows").get<int64_t>(),
                                        request.at("length").get<int64_t>()};
  return timed([&]() -> Json {
    const auto loss = model.backward(windows, false, request.value("scale", 1.0f));
    if (!loss) return request_error(loss.status().message());
    return {{"loss", *loss}};
  });
}

template <class Model>
Json update_json(Model& model, const Json& request) {
  const models::AdamW none;
  const models::AdamW settings = {.rate = request.at("rate").get<double>(),
                                  .beta1 = request.value("beta1", none.beta1),
                                  .beta2 = request.value("beta2", none.beta2),
                                  .eps = request.value("eps", none.eps),
                                  .decay = request.value("decay", none.decay),
                                  .clip = request.value("clip", none.clip)};
  const auto step = request.at("step").get<int64_t>();
  if (step < 1) return request_error(fmt::format("'step' is {}, needed: 1 or more", step));
  return timed([&]() -> Json { return {{"norm", model.update(settings, step)}}; });
}

template <class Model>
Status answer(Model& model, const models::TrainModel::Memory& memory) {
  return answer_requests([&](const Json& request) -> Json {
    const std::string ask = request.value("ask", "");
    if (ask == "model") return model_json(model, memory);
    if (ask == "load") return load_json(model, request);
    if (ask == "save") return save_json(model, request);
    if (ask == "backward") return backward_json(model, request);
    if (ask == "update") return update_json(model, request);
    return request_error("'ask' is " + shown(ask) + ", needed: model, load, save, backward or update");
  });
}

}  // namespace

Status take_turns(models::TrainModel& model, const models::TrainModel::Memory& memory) { return answer(model, memory); }
Status take_turns(models::TrainEncoder& model, const models::TrainModel::Memory& memory) {
  return answer(model, memory);
}

}  // namespace lathe::cli
