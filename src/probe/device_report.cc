#include "probe/device_report.h"

#include <fmt/format.h>

#include "probe/html_report.h"
#include "probe/table.h"

namespace lathe::probe {
namespace {

Row as_row(const DeviceRow& d) {
  Row row;
  row.shape = d.shape;
  row.variant = d.variant, row.provider = d.provider;
  row.disposition = d.disposition, row.reason = d.reason;
  row.max_rel = d.max_rel, row.nmse = d.nmse;
  row.timing = d.timing.gpu;
  row.gflops = d.gflops, row.gbps = d.gbps;
  row.ceiling = "copy", row.share = d.share;
  row.chosen = d.chosen, row.best_of_ours = d.best;
  return row;
}

}  // namespace

// A weight that stays in the device's caches comes faster than copying: that is no fault of the measurement, and no row
// is above its ceiling.
Report as_report(const DeviceReport& report) {
  Report r;
  r.shapes = report.shapes;
  for (const DeviceRow& row : report.rows) r.rows.push_back(as_row(row));
  std::vector<Row*> best(r.shapes.size(), nullptr);
  for (Row& row : r.rows) {
    if (row.disposition != Disposition::passed) continue;
    Row*& leader = best[static_cast<size_t>(row.shape)];
    if (leader == nullptr || row.timing.median_ms < leader->timing.median_ms) leader = &row;
  }
  for (Row* row : best)
    if (row != nullptr) row->best_overall = true;
  r.ceilings.read_gbps = report.copy_gbps;
  r.hot = report.hot;
  r.date = report.date;
  r.notes = report.notes;
  return r;
}

std::string render_device_csv(const DeviceReport& report) {
  const Report r = as_report(report);
  const std::string device = fmt::format("vulkan:{} {}", report.device.index, report.device.name);
  std::string text = csv_header() + ",device,weights,alone_ms,together_ms\n";
  for (size_t i = 0; i < r.rows.size(); ++i) {
    const DeviceRow& d = report.rows[i];
    const bool timed = d.disposition == Disposition::passed;
    text += fmt::format("{},{},{},{},{}\n", csv_row(r, r.rows[i]), csv_field(device), d.layout,
                        timed ? fmt::format("{:.6g}", d.timing.alone_ms) : "",
                        timed ? fmt::format("{:.6g}", d.timing.together_ms) : "");
  }
  return text;
}

std::string render_device_html(const DeviceReport& report, const Context& context) {
  return page_around(render_device_json(report, context, -1));
}

}  // namespace lathe::probe
