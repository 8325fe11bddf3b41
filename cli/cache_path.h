// Where packed weights are kept, and the option with which a command is told otherwise.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "run/model_store.h"

namespace lathe::cli {

// $XDG_CACHE_HOME/lathe/weights, else ~/.cache/lathe/weights; empty where neither variable is an absolute path.
std::string default_cache_path();

// Where the pipelines of GPUs are kept, beside them; empty as above.
std::string default_pipeline_folder();

// --cache DIR|off
void add_cache_option(CLI::App& command, std::string& text);
// What the option's text means; what goes wrong there is logged as a warning.
run::CacheOptions cache_options(const std::string& text);

}  // namespace lathe::cli
