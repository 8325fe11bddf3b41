// Where Hugging Face keeps its cache.
#pragma once

#include <string>

namespace lathe::cli {

// $HF_HUB_CACHE, else $HF_HOME/hub, else $XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub, as
// huggingface_hub has it; empty where none of them is set.
std::string hub_path();

}  // namespace lathe::cli
