// Lines of cells, padded so that they stand in columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lathe::probe {

class Columns {
 public:
  // One character per column: 'l' or 'r' aligned.
  explicit Columns(std::string_view alignment) : alignment_(alignment) {}

  void add(std::vector<std::string> cells) { lines_.push_back(std::move(cells)); }
  // Every line, indented, two blanks between columns, no blank at its end.
  std::string text(std::string_view indent) const;

 private:
  std::string alignment_;
  std::vector<std::vector<std::string>> lines_;
};

}  // namespace lathe::probe
