// Training runs as one page that needs nothing but a browser: curves of loss, learning rate and speed, where the time
// went, samples; several runs side by side. Made of their log.jsonl.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe::run {

// What a log says, for the page: JSON. `name` is what the run is called. A last line that is half written counts for
// nothing; an error names the first other line that is no event.
Result<std::string> train_log_json(std::string_view log, const std::string& name, const std::string& file);

// `runs` are folders that lathe train wrote.
Result<std::string> render_train_report(const std::vector<std::string>& runs);

}  // namespace lathe::run
