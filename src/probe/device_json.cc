#include <nlohmann/json.hpp>

#include "probe/device_probe.h"
#include "tune/problem_text.h"

namespace lathe::probe {
namespace {

using Json = nlohmann::ordered_json;

Json device_json(const DeviceReport& report) {
  const gpu::DeviceInfo& d = report.device;
  return {{"device", "vulkan:" + std::to_string(d.index)},
          {"name", d.name},
          {"kind", gpu::kind_name(d.kind)},
          {"driver", d.driver},
          {"driver_version", d.driver_version},
          {"vulkan", d.api_version},
          {"subgroup_size", d.subgroup_size},
          {"copy_gbps", report.copy_gbps},
          {"dispatches", report.dispatches},
          {"operands", report.hot ? "hot" : "cold"},
          {"date", report.date}};
}

// What a row says of its figures, only where it passed.
void add_figures(const DeviceRow& r, Json& json) {
  const Timing& t = r.timing.gpu;
  json["gpu_ms"] = {
      {"median", t.median_ms}, {"p95", t.p95_ms}, {"min", t.min_ms}, {"spread", t.spread}, {"samples", t.samples}};
  json["wall_ms"] = {{"alone", r.timing.alone_ms}, {"together", r.timing.together_ms}};
  json["gflops"] = r.gflops;
  json["gbps"] = r.gbps;
  json["share_of_copy"] = r.share;
  json["best"] = r.best;
}

Json row_json(const DeviceReport& report, const DeviceRow& r) {
  const Shape& s = report.shapes[static_cast<size_t>(r.shape)];
  const matmul::Problem& p = s.problem;
  Json json = {{"op", "matmul"},
               {"shape", s.name},
               {"group", s.group},
               {"m", p.m},
               {"n", p.n},
               {"k", p.k},
               {"types", tune::types_text(p)},
               {"epilogue", tune::epilogue_text(p)},
               {"variant", r.variant},
               {"layout", r.layout},
               {"disposition", disposition_name(r.disposition)},
               {"reason", r.reason}};
  if (r.disposition == Disposition::passed || r.disposition == Disposition::incorrect)
    json["error"] = {{"max_rel", r.max_rel}, {"nmse", r.nmse}};
  if (r.disposition == Disposition::passed) add_figures(r, json);
  return json;
}

}  // namespace

std::string render_device_json(const DeviceReport& report, int indent) {
  Json rows = Json::array();
  for (const DeviceRow& row : report.rows) rows.push_back(row_json(report, row));
  const Json document = {{"format", "lathe-device-probe"},
                         {"version", 1},
                         {"device", device_json(report)},
                         {"notes", report.notes},
                         {"rows", std::move(rows)}};
  return document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lathe::probe
