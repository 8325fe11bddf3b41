// A report as one page that needs nothing but a browser: style, script and data are inside.
#pragma once

#include <string>

#include "probe/context.h"
#include "probe/probe.h"

namespace lathe::probe {

std::string render_html(const Report& report, const Context& context);
// The page around a document that render_json or render_device_json wrote.
std::string page_around(const std::string& json);

}  // namespace lathe::probe
