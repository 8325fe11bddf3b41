#include "tune/plan_file.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "tune/device_problem.h"
#include "tune/problem_text.h"

namespace lathe::tune {
namespace {

using Json = nlohmann::json;
using matmul::Problem;

constexpr char kFormat[] = "lathe-plan";
constexpr int kVersion = 1;

Json to_json(const std::vector<PlanMeasurement>& measured) {
  Json json = Json::array();
  for (const PlanMeasurement& m : measured)
    json.push_back({{"variant", m.variant}, {"row", m.row}, {"ms", m.ms}, {"share", m.share}});
  return json;
}

Json to_json(const PlanFile::Device& d) {
  Json entries = Json::array();
  for (const DevicePlanEntry& e : d.entries)
    entries.push_back({{"m", e.problem.m},
                       {"n", e.problem.n},
                       {"k", e.problem.k},
                       {"w", gpu::type_name(e.problem.w)},
                       {"epilogue", epilogue_text(kernel_problem(e.problem))},
                       {"measured", to_json(e.measured)}});
  return {{"vendor", d.key.vendor},       {"device", d.key.device}, {"subgroup", d.key.subgroup},
          {"name", d.key.name},           {"driver", d.key.driver}, {"driver_version", d.key.driver_version},
          {"entries", std::move(entries)}};
}

Json to_json(const PlanFile::Entry& e) {
  const Problem& p = e.problem;
  return {{"m", p.m},
          {"n", p.n},
          {"k", p.k},
          {"a", matmul::type_name(p.a)},
          {"w", matmul::type_name(p.w)},
          {"c", matmul::type_name(p.c)},
          {"layout", layout_text(p)},
          {"prepared", p.prepared},
          {"batch", p.batch},
          {"epilogue", epilogue_text(p)},
          {"threads", e.threads},
          {"variant", e.variant},
          {"ms", e.ms},
          {"share", e.share},
          {"measured", to_json(e.measured)}};
}

// The readers below throw Json's own exceptions, or this one, for content that a writer of ours cannot have written.
struct Wrong {
  std::string what;
};

int64_t size_at(const Json& json, const char* field) {
  const Json& value = json.at(field);
  if (!value.is_number_unsigned() || value.get<uint64_t>() < 1 || value.get<uint64_t>() > INT32_MAX)
    throw Wrong{fmt::format("field \"{}\" is no whole number from 1 to {}", field, INT32_MAX)};
  return value.get<int64_t>();
}

double amount_at(const Json& json, const char* field) {
  const double value = json.at(field).get<double>();
  if (!std::isfinite(value) || value < 0) throw Wrong{fmt::format("field \"{}\" is no amount", field)};
  return value;
}

void check(const Status& status) {
  if (!status.ok()) throw Wrong{status.message()};
}

matmul::Type type_at(const Json& json, const char* field) {
  const auto type = parse_type(json.at(field).get<std::string>());
  check(type.status());
  return *type;
}

std::vector<PlanMeasurement> measured_at(const Json& json) {
  std::vector<PlanMeasurement> measured;
  for (const Json& m : json.at("measured"))
    measured.push_back({m.at("variant").get<std::string>(), m.at("row").get<std::string>(), amount_at(m, "ms"),
                        amount_at(m, "share")});
  return measured;
}

uint32_t number_at(const Json& json, const char* field) {
  const Json& value = json.at(field);
  if (!value.is_number_unsigned() || value.get<uint64_t>() > UINT32_MAX)
    throw Wrong{fmt::format("field \"{}\" is no whole number up to {}", field, UINT32_MAX)};
  return value.get<uint32_t>();
}

DevicePlanEntry device_entry_of(const Json& json) {
  Problem p;
  p.m = size_at(json, "m"), p.n = size_at(json, "n"), p.k = size_at(json, "k");
  p.w = type_at(json, "w");
  p.prepared = true;
  check(parse_epilogue(json.at("epilogue").get<std::string>(), p));
  const auto problem = device_problem(p);
  check(problem.status());
  return {*problem, measured_at(json)};
}

PlanFile::Device device_of(const Json& json) {
  PlanFile::Device d;
  d.key.vendor = number_at(json, "vendor"), d.key.device = number_at(json, "device");
  d.key.subgroup = static_cast<int>(size_at(json, "subgroup"));
  d.key.name = json.at("name").get<std::string>();
  d.key.driver = json.at("driver").get<std::string>();
  d.key.driver_version = json.at("driver_version").get<std::string>();
  for (const Json& entry : json.at("entries")) d.entries.push_back(device_entry_of(entry));
  return d;
}

PlanFile::Entry entry_of(const Json& json) {
  PlanFile::Entry e;
  Problem& p = e.problem;
  p.m = size_at(json, "m");
  p.n = size_at(json, "n");
  p.k = size_at(json, "k");
  p.a = type_at(json, "a");
  p.w = type_at(json, "w");
  p.c = type_at(json, "c");
  check(parse_layout(json.at("layout").get<std::string>(), p));
  p.prepared = json.at("prepared").get<bool>();
  p.batch = size_at(json, "batch");
  check(parse_epilogue(json.at("epilogue").get<std::string>(), p));
  e.threads = static_cast<int>(size_at(json, "threads"));
  e.variant = json.at("variant").get<std::string>();
  e.ms = amount_at(json, "ms");
  e.share = amount_at(json, "share");
  e.measured = measured_at(json);
  return e;
}

PlanFile file_of(const Json& content) {
  PlanFile file;
  file.cpu = content.at("cpu").get<std::string>();
  file.build = content.at("build").get<std::string>();
  for (const Json& entry : content.at("entries")) file.entries.push_back(entry_of(entry));
  if (content.contains("devices"))
    for (const Json& device : content.at("devices")) file.devices.push_back(device_of(device));
  return file;
}

}  // namespace

std::string format_plan(const PlanFile& file) {
  Json content = {{"cpu", file.cpu}, {"build", file.build}, {"entries", Json::array()}};
  for (const PlanFile::Entry& e : file.entries) content["entries"].push_back(to_json(e));
  for (const PlanFile::Device& d : file.devices) content["devices"].push_back(to_json(d));
  // Keys are sorted and numbers written in their shortest exact form, so equal content has equal text.
  // A driver may have given its device a name that is no UTF-8.
  const auto dump = [](const Json& json, int indent) {
    return json.dump(indent, ' ', false, Json::error_handler_t::replace);
  };
  const std::string sum = sha256_hex(dump(content, -1));
  return dump({{"format", kFormat}, {"version", kVersion}, {"sha256", sum}, {"content", std::move(content)}}, 1) + "\n";
}

Result<PlanFile> parse_plan(std::string_view text, std::string_view name) {
  try {
    const Json json = Json::parse(text);
    if (!json.is_object() || json.value("format", Json()) != kFormat)
      return corrupt(fmt::format("{}: ignored: it is no plan file, needed: \"format\" of \"{}\"", name, kFormat));
    if (const Json version = json.value("version", Json()); version != kVersion)
      return unsupported(fmt::format("{}: ignored: its version is {}, needed: {}", name,
                                     version.dump(-1, ' ', true, Json::error_handler_t::replace), kVersion));
    const Json& content = json.at("content");
    if (json.at("sha256") != sha256_hex(content.dump()))
      return corrupt(
          fmt::format("{}: ignored: its content does not match its SHA-256, it was damaged or edited", name));
    return file_of(content);
  } catch (const Json::parse_error& e) {
    return corrupt(fmt::format("{}: ignored: it is not JSON from byte {} on, perhaps cut short", name, e.byte));
  } catch (const Json::exception&) {
    return corrupt(fmt::format("{}: ignored: a field is missing or of another type than a plan's", name));
  } catch (const Wrong& wrong) {
    return corrupt(fmt::format("{}: ignored: {}", name, wrong.what));
  }
}

Result<PlanFile> load_plan_file(const std::string& path) {
  const auto text = read_file(path, kMostPlanBytes);
  if (!text) return text.status();
  return parse_plan(*text, path);
}

}  // namespace lathe::tune
