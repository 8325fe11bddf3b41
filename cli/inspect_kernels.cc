// lathe inspect kernels: every row of every kernel table in this binary, and whether this CPU runs it.
#include "inspect_kernels.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kernels/activation/activation.h"
#include "kernels/activation/activation_backward.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/causal_attention.h"
#include "kernels/loss/loss.h"
#include "kernels/matmul/matmul.h"
#include "kernels/norm/norm.h"
#include "kernels/norm/norm_backward.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/paged_attention/paged_attention.h"
#include "kernels/rope/rope.h"
#include "kernels/scan/scan.h"
#include "kernels/softmax/softmax.h"

namespace lathe::cli {
namespace {

struct Options {
  std::string isa = "here";
  bool json = false;
};

struct Row {
  std::string table, name;
  Isa isa;
  std::string types{}, tile{}, what{};  // of a product
};

template <class Variants>
void add_rows(const char* table, const Variants& variants, std::vector<Row>& rows) {
  for (const auto* variant : variants) rows.push_back({table, variant->name, variant->isa});
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (const matmul::Variant* v : matmul::variants())
    rows.push_back(
        {"matmul", v->name, v->isa,
         fmt::format("{} x {}, {}", matmul::type_name(v->a), matmul::type_name(v->w), matmul::layout_name(v->layout)),
         fmt::format("{} x {}", v->mr, v->nr), v->what});
  add_rows("activation", activation::variants(), rows);
  add_rows("attention", attention::variants(), rows);
  add_rows("paged attention", paged_attention::variants(), rows);
  add_rows("norm", norm::variants(), rows);
  add_rows("rope", rope::variants(), rows);
  add_rows("softmax", softmax::variants(), rows);
  add_rows("scan", scan::variants(), rows);
  add_rows("activation, backward", activation::backward_variants(), rows);
  add_rows("causal attention", attention::causal_variants(), rows);
  add_rows("norm, backward", norm::backward_variants(), rows);
  add_rows("loss", loss::variants(), rows);
  add_rows("optimizer", optimizer::variants(), rows);
  return rows;
}

std::string here(Isa isa) {
  const std::string missing = missing_features(cpu_features(), isa_needs(isa));
  return missing.empty() ? "yes" : "no: lacks " + missing;
}

void print_table(const std::vector<Row>& rows) {
  std::vector<std::array<std::string, 6>> cells = {{"table", "kernel", "types and layout", "tile", "runs here", ""}};
  for (const Row& row : rows) cells.push_back({row.table, row.name, row.types, row.tile, here(row.isa), row.what});
  std::array<size_t, 5> width{};
  for (const auto& line : cells)
    for (size_t i = 0; i < width.size(); ++i) width[i] = std::max(width[i], line[i].size());
  for (const auto& line : cells) {
    std::string text;
    for (size_t i = 0; i < width.size(); ++i) text += fmt::format("{:<{}}  ", line[i], width[i]);
    text += line[5];
    text.erase(text.find_last_not_of(' ') + 1);
    fmt::print("{}\n", text);
  }
}

void print_json(const std::vector<Row>& rows) {
  auto list = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    nlohmann::ordered_json one = {{"table", row.table},
                                  {"kernel", row.name},
                                  {"isa", isa_name(row.isa)},
                                  {"needs", feature_names(isa_needs(row.isa))},
                                  {"runs_here", has_all(cpu_features(), isa_needs(row.isa))}};
    if (!row.types.empty()) one.update({{"types", row.types}, {"tile", row.tile}, {"what", row.what}});
    list.push_back(std::move(one));
  }
  fmt::print("{}\n", list.dump(2));
}

// The instruction sets that no row of this build is for: those of other processors, and what nobody has written.
std::string without_rows(const std::vector<Row>& rows) {
  std::string names;
  for (int i = 0; i <= static_cast<int>(Isa::sme); ++i) {
    const auto isa = static_cast<Isa>(i);
    if (std::ranges::none_of(rows, [isa](const Row& row) { return row.isa == isa; }))
      names += (names.empty() ? "" : ", ") + std::string(isa_name(isa));
  }
  return names;
}

Status inspect_kernels(const Options& options) {
  std::optional<Isa> only;
  const bool all = options.isa == "all", runnable = options.isa == "here";
  if (!all && !runnable) {
    const auto isa = parse_isa(options.isa);
    if (!isa) return invalid_argument("--isa: " + isa.status().message() + ", all or here");
    only = *isa;
  }
  const auto rows = all_rows();
  auto shown = rows;
  std::erase_if(shown, [&](const Row& row) {
    return only ? row.isa != *only : runnable && !has_all(cpu_features(), isa_needs(row.isa));
  });
  if (options.json) {
    print_json(shown);
    return {};
  }
  if (!shown.empty()) print_table(shown);
  const std::string absent = without_rows(rows);
  if (all && !absent.empty()) fmt::print("\nThis build has no kernel for {}.\n", absent);
  if (only && shown.empty()) fmt::print("This build has no kernel for {}.\n", isa_name(*only));
  return {};
}

}  // namespace

void add_inspect_kernels(CLI::App& inspect, Command& chosen) {
  CLI::App* command =
      inspect.add_subcommand("kernels", "The kernels in this binary: types, tile, and whether this CPU runs them");
  auto options = std::make_shared<Options>();
  command
      ->add_option("--isa", options->isa, "Those of one instruction set (avx2, neon ...), all, or here: what runs here")
      ->type_name("NAME")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &chosen] { chosen = [options] { return inspect_kernels(*options); }; });
}

}  // namespace lathe::cli
