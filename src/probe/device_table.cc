#include <fmt/format.h>

#include <algorithm>

#include "probe/columns.h"
#include "probe/device_report.h"
#include "tune/problem_text.h"

namespace lathe::probe {
namespace {

std::string header(const DeviceReport& report) {
  const gpu::DeviceInfo& d = report.device;
  Columns lines("ll");
  lines.add({"device", fmt::format("vulkan:{}: {}, {} {}", d.index, d.name, d.driver, d.driver_version)});
  lines.add({"subgroup", fmt::format("{}", d.subgroup_size)});
  lines.add({"copy", fmt::format("{:.1f} GB/s read and written", report.copy_gbps)});
  lines.add({"submission", fmt::format("{} dispatches, a barrier behind each", report.dispatches)});
  lines.add({"operands", report.hot ? "hot: one copy of the weights" : "cold: copies of the weights in turn"});
  lines.add({"date", report.date});
  return lines.text("");
}

std::string microseconds(double ms) { return fmt::format("{:.{}f}", ms * 1e3, ms >= 0.1 ? 0 : 1); }

std::string shape_text(const DeviceReport& report, int64_t index) {
  const Shape& shape = report.shapes[static_cast<size_t>(index)];
  Columns lines("llrrrrrrrr");
  lines.add({"variant", "weights", "GPU us", "p95", "GB/s", "of copy", "GFLOP/s", "alone us", "together us", "ratio"});
  bool any = false;
  for (const DeviceRow& r : report.rows) {
    if (r.shape != index || r.disposition != Disposition::passed) continue;
    const DeviceTiming& t = r.timing;
    any = true;
    lines.add({(r.provider == "lathe" ? "" : r.provider + " ") + r.variant + (r.best ? " *" : ""), r.layout,
               microseconds(t.gpu.median_ms), microseconds(t.gpu.p95_ms), fmt::format("{:.1f}", r.gbps),
               fmt::format("{:.0f}%", 100 * r.share), fmt::format("{:.1f}", r.gflops), microseconds(t.alone_ms),
               microseconds(t.together_ms),
               fmt::format("{:.1f}x", t.together_ms > 0 ? t.alone_ms / t.together_ms : 0)});
  }
  return fmt::format("{}: {}\n", shape.name, tune::problem_text(shape.problem)) +
         (any ? lines.text("  ") : "  no variant was timed\n") + "\n";
}

// One line per sentence, with those who say it.
std::string refusals_text(const DeviceReport& report, int64_t index) {
  std::vector<std::pair<std::string, std::string>> said;
  for (const DeviceRow& r : report.rows) {
    if (r.shape != index || r.disposition != Disposition::not_supported) continue;
    const auto same = std::find_if(said.begin(), said.end(), [&](const auto& s) { return s.first == r.reason; });
    if (same == said.end())
      said.push_back({r.reason, r.provider == "lathe" ? r.variant : r.provider});
    else
      same->second += ", " + (r.provider == "lathe" ? r.variant : r.provider);
  }
  std::string text;
  for (const auto& [reason, who] : said) text += fmt::format("  {}\n    {}\n", reason, who);
  return text.empty() ? "" : "not supported\n" + text + "\n";
}

std::string faults_text(const DeviceReport& report) {
  Columns lines("llll");
  bool any = false;
  for (const DeviceRow& r : report.rows) {
    if (r.disposition != Disposition::incorrect && r.disposition != Disposition::failed) continue;
    any = true;
    lines.add({std::string(disposition_name(r.disposition)), r.variant,
               report.shapes[static_cast<size_t>(r.shape)].name, r.reason});
  }
  return any ? "faults\n" + lines.text("  ") + "\n" : "";
}

}  // namespace

std::string render_device_table(const DeviceReport& report) {
  std::string text = header(report) + "\n";
  for (int64_t i = 0; i < static_cast<int64_t>(report.shapes.size()); ++i)
    text += shape_text(report, i) + refusals_text(report, i);
  text += faults_text(report);
  for (const std::string& note : report.notes) text += "note: " + note + "\n";
  return text +
         "GPU: the device's timestamps around a dispatch; alone: the host's time for one that is submitted and "
         "waited for by itself; together: for one of many in a submission\n";
}

}  // namespace lathe::probe
