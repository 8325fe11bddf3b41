// How each vendor library is opened. Used by provider.cc only.
#pragma once

#include <memory>
#include <string>

#include "tune/provider.h"

namespace lathe::tune {

Result<std::unique_ptr<Provider>> open_openblas();
Result<std::unique_ptr<Provider>> open_blis();
Result<std::unique_ptr<Provider>> open_onednn();
Result<std::unique_ptr<Provider>> open_accelerate();  // of macOS
// Any library with cblas_sgemm.
Result<std::unique_ptr<Provider>> open_cblas(const std::string& path);

}  // namespace lathe::tune
