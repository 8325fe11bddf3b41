#include <nlohmann/json.hpp>

#include "probe/device_report.h"
#include "probe/json_report.h"

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
          {"dispatches", report.dispatches}};
}

// What was not measured of the CPU is not said of it.
Json host_json(const Json& machine) {
  Json host = Json::object();
  for (const char* field : {"cpu", "signature", "kernel", "compiler", "flags", "lathe_version", "build_id", "date",
                            "operands", "providers"})
    host[field] = machine.at(field);
  return host;
}

}  // namespace

std::string render_device_json(const DeviceReport& report, const Context& context, int indent) {
  Json document = report_document(as_report(report), context);
  document["format"] = "lathe-device-probe";
  document["version"] = 2;
  document["machine"] = host_json(document["machine"]);
  document["device"] = device_json(report);
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const DeviceRow& r = report.rows[i];
    Json& json = document["rows"][i];
    json["weights"] = r.layout;
    if (r.disposition != Disposition::passed) continue;
    json.erase("cpu_ms");
    json["wall_ms"] = {{"alone", r.timing.alone_ms}, {"together", r.timing.together_ms}};
  }
  return document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lathe::probe
