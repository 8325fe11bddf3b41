// What a report's header says of the machine, the build and the peers.
#pragma once

#include "probe/context.h"
#include "probe/probe.h"

namespace lathe::cli {

probe::Context report_context(const probe::Report& report);

}  // namespace lathe::cli
