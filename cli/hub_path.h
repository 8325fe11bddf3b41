// What the environment says of Hugging Face: where its cache lies, which server is meant, and who asks.
#pragma once

#include <string>

namespace lathe::cli {

// $HF_HUB_CACHE, else $HF_HOME/hub, else $XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub, as
// huggingface_hub has it; empty where none of them is set.
std::string hub_path();

// $HF_ENDPOINT, else https://huggingface.co.
std::string hub_endpoint();

// $HF_TOKEN, else what `hf auth login` left in $HF_TOKEN_PATH, or in the file `token` of $HF_HOME; empty where there is
// none, and where $HF_HUB_DISABLE_IMPLICIT_TOKEN is set.
std::string hub_token();

// $HF_HUB_OFFLINE says that nothing may be downloaded.
bool hub_offline();

}  // namespace lathe::cli
