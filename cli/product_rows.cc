#include "product_rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tune/device_problem.h"
#include "tune/problem_text.h"

namespace lathe::cli {

std::string product_rows_text(const ops::DeviceProducts& products, const std::string& plan) {
  const int64_t all = std::ssize(products.chosen()), measured = products.chosen_as_measured();
  if (measured > 0) return fmt::format("products: {} of {} rows from the plan {}", measured, all, plan);
  return fmt::format("products: {} rows of the list, untimed; {}", all,
                     plan.empty() ? "there is no plan" : "the plan " + plan + " has none for them on this device");
}

nlohmann::ordered_json product_rows_json(const ops::DeviceProducts& products, const std::string& plan) {
  auto rows = nlohmann::ordered_json::array();
  for (const ops::ProductRow& row : products.chosen())
    rows.push_back({{"product", tune::problem_text(tune::kernel_problem(row.problem))},
                    {"row", row.variant->name},
                    {"from", row.measured ? "plan" : "list"}});
  return {{"plan", plan}, {"from_plan", products.chosen_as_measured()}, {"rows", rows}};
}

}  // namespace lathe::cli
