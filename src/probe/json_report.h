// A report as JSON, for programs and for the page.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "probe/context.h"
#include "probe/probe.h"

namespace lathe::probe {

// {"format": "lathe-probe", "version": 1, "machine": {...}, "notes": [...], "summary": {...}, "rows": [...]}.
// `indent` < 0: on one line.
std::string render_json(const Report& report, const Context& context, int indent);

// The document behind it, for who adds to it.
nlohmann::ordered_json report_document(const Report& report, const Context& context);

}  // namespace lathe::probe
