// Which rows a model's products took on a device, as the benchmarks say it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "ops/device_products.h"

namespace lathe::cli {

// A line; `plan` is the file that was asked, empty where there is none.
std::string product_rows_text(const ops::DeviceProducts& products, const std::string& plan);
nlohmann::ordered_json product_rows_json(const ops::DeviceProducts& products, const std::string& plan);

}  // namespace lathe::cli
