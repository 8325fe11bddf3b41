// lathe inspect model: what a model's files hold.
#include "inspect_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/model_summary.h"
#include "hub_path.h"

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  bool json = false, tensors = false;
};

constexpr size_t kFewTensors = 12;

std::string size_text(int64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (bytes >= int64_t{1} << 30) return fmt::format("{:.2f} GiB", size / 0x1p30);
  if (bytes >= int64_t{1} << 20) return fmt::format("{:.1f} MiB", size / 0x1p20);
  if (bytes >= int64_t{1} << 10) return fmt::format("{:.1f} KiB", size / 0x1p10);
  return fmt::format("{} bytes", bytes);
}

std::string count_text(int64_t count) {
  const auto number = static_cast<double>(count);
  if (count >= 1'000'000'000) return fmt::format("{:.2f} billion ({})", number / 1e9, count);
  if (count >= 1'000'000) return fmt::format("{:.1f} million ({})", number / 1e6, count);
  return fmt::format("{}", count);
}

// Text from a file on a line of its own: no escape sequence reaches the terminal.
std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

std::string tokenizer_text(const ModelSummary& summary) {
  if (summary.tokenizer.empty()) return "none found";
  return summary.tokens == 0 ? summary.tokenizer : fmt::format("{}, {} tokens", summary.tokenizer, summary.tokens);
}

using Lines = std::vector<std::pair<std::string, std::string>>;

Lines describe(const ModelSummary& summary) {
  Lines lines = {
      {"weights", summary.path},
      {"format", fmt::format("{}, {} file{}, {}", summary.format, summary.files, summary.files == 1 ? "" : "s",
                             size_text(summary.file_bytes))},
      {"architecture", summary.architecture.empty() ? "unknown" : summary.architecture},
  };
  for (const auto& [name, value] : summary.sizes) lines.emplace_back(name, fmt::format("{}", value));
  lines.insert(lines.end(), summary.pipeline.begin(), summary.pipeline.end());
  lines.emplace_back("tokenizer", tokenizer_text(summary));
  lines.emplace_back("parameters", count_text(summary.parameters));
  lines.emplace_back("tensors", fmt::format("{}, {}", summary.tensors.size(), size_text(summary.tensor_bytes)));
  for (const DTypeTotal& total : summary.by_dtype)
    lines.emplace_back(fmt::format("  {}", dtype_name(total.dtype)),
                       fmt::format("{} tensors, {} values, {}", total.tensors, total.elements, size_text(total.bytes)));
  for (const std::string& note : summary.notes) lines.emplace_back("note", note);
  return lines;
}

std::string name_of(const TensorLine& line) { return line.folder + line.view->name; }

void print_tensors(const ModelSummary& summary, bool all) {
  const std::span lines =
      std::span(summary.tensors).first(all ? summary.tensors.size() : std::min(summary.tensors.size(), kFewTensors));
  if (lines.empty()) return;
  size_t name = 4, shape = 5;
  for (const TensorLine& line : lines) {
    name = std::max(name, std::min<size_t>(name_of(line).size(), 64));
    shape = std::max(shape, line.view->shape.text().size());
  }
  fmt::print("\n{:<{}}  {:<7}  {:<{}}  {:>12}\n", "name", name, "dtype", "shape", shape, "bytes");
  for (const TensorLine& line : lines)
    fmt::print("{:<{}}  {:<7}  {:<{}}  {:>12}\n", one_line(name_of(line)), name, dtype_name(line.view->dtype),
               line.view->shape.text(), shape, line.view->bytes.size());
  if (const size_t more = summary.tensors.size() - lines.size(); more > 0)
    fmt::print("... and {} more; --tensors lists all\n", more);
}

void print_text(const ModelSummary& summary, bool all) {
  const Lines lines = describe(summary);
  size_t width = 0;
  for (const auto& line : lines) width = std::max(width, line.first.size());
  for (const auto& [name, value] : lines) fmt::print("{:<{}}  {}\n", name, width, one_line(value));
  print_tensors(summary, all);
}

template <class Value>
Json object_of(const std::vector<std::pair<std::string, Value>>& pairs) {
  Json object = Json::object();
  for (auto [name, value] : pairs) {
    std::ranges::replace(name, ' ', '_');
    object[name] = value;
  }
  return object;
}

// All but the tensors.
Json to_json(const ModelSummary& summary) {
  Json types = Json::array();
  for (const DTypeTotal& t : summary.by_dtype)
    types.push_back(
        {{"dtype", dtype_name(t.dtype)}, {"tensors", t.tensors}, {"elements", t.elements}, {"bytes", t.bytes}});
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return {
      {"path", summary.path},
      {"format", summary.format},
      {"files", summary.files},
      {"file_bytes", summary.file_bytes},
      {"architecture", or_null(summary.architecture)},
      {"sizes", object_of(summary.sizes)},
      {"pipeline", object_of(summary.pipeline)},
      {"tokenizer", or_null(summary.tokenizer)},
      {"tokens", summary.tokens == 0 ? Json() : Json(summary.tokens)},
      {"parameters", summary.parameters},
      {"tensor_bytes", summary.tensor_bytes},
      {"dtypes", std::move(types)},
      {"notes", summary.notes},
  };
}

Json to_json(const TensorLine& line) {
  const auto dims = line.view->shape.dims();
  return {{"name", name_of(line)},
          {"dtype", dtype_name(line.view->dtype)},
          {"shape", std::vector<int64_t>(dims.begin(), dims.end())},
          {"bytes", line.view->bytes.size()}};
}

// Tensors go out one by one, each a line: as one document, those of a hostile file would take 300 MB.
void print_json(const ModelSummary& summary) {
  constexpr auto kReplace = Json::error_handler_t::replace;
  std::string head = to_json(summary).dump(2, ' ', false, kReplace);
  head.resize(head.size() - 2);  // "\n}"
  fmt::print("{},\n  \"tensors\": [", head);
  const char* separator = "\n    ";
  for (const TensorLine& line : summary.tensors)
    fmt::print("{}{}", std::exchange(separator, ",\n    "), to_json(line).dump(-1, ' ', false, kReplace));
  fmt::print("\n  ]\n}}\n");
}

Status inspect_model(const Options& options) {
  const auto files = resolve_model(options.model, hub_path());
  if (!files) return files.status();
  const auto summary = summarize_model(*files);
  if (!summary) return summary.status();
  if (options.json)
    print_json(*summary);
  else
    print_text(*summary, options.tensors);
  return {};
}

}  // namespace

void add_inspect_model(CLI::App& inspect, Command& chosen) {
  CLI::App* model = inspect.add_subcommand("model", "Architecture, tensors, types, tokenizer and sizes of a model");
  auto options = std::make_shared<Options>();
  model
      ->add_option("model", options->model,
                   "A folder, a .gguf or .safetensors file, or a name in the Hugging Face cache")
      ->type_name("MODEL")
      ->required();
  model->add_flag("--json", options->json, "Print JSON, with all tensors");
  model->add_flag("--tensors", options->tensors, "List all tensors, not the first dozen alone");
  model->callback([options, &chosen] { chosen = [options] { return inspect_model(*options); }; });
}

}  // namespace lathe::cli
