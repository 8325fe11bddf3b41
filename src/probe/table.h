// A report as text for people, and as CSV.
#pragma once

#include <string>

#include "probe/context.h"
#include "probe/probe.h"

namespace lathe::probe {

// Header, one aligned line per shape in its group, geometric means, sweeps, coverage gaps. Ends with a line feed.
std::string render_table(const Report& report, const Context& context);

// One line per row of the report under a header line (RFC 4180, line feeds alone).
std::string render_csv(const Report& report);
// Its lines one by one, without their ends, for who adds columns.
std::string csv_header();
std::string csv_row(const Report& report, const Row& row);
std::string csv_field(const std::string& text);  // quoted where it has to be

}  // namespace lathe::probe
