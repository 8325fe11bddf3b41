// A device's report as text, JSON, CSV and page. All but the text are the CPU's, with what a device has more.
#pragma once

#include <string>

#include "probe/context.h"
#include "probe/device_probe.h"

namespace lathe::probe {

// As a report of the CPU's probe: the device's time, and copying as the ceiling.
Report as_report(const DeviceReport& report);

std::string render_device_table(const DeviceReport& report);
// {"format": "lathe-device-probe", "version": 2, ...}: what lathe-probe has, "device", and "wall_ms" of rows.
std::string render_device_json(const DeviceReport& report, const Context& context, int indent);
std::string render_device_csv(const DeviceReport& report);
std::string render_device_html(const DeviceReport& report, const Context& context);

}  // namespace lathe::probe
