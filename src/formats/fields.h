// Checked access to the fields of a configuration, whatever file they come from: config.json and GGUF's metadata are
// asked in the same words. Every error names the file, the field, what was found and what was needed.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lathe/status.h"

namespace lathe {

// A field that is not there (or is null), one that is no scalar, or its value. Texts belong to the configuration.
struct Absent {};
struct Composite {
  std::string_view kind;  // "an array", "an object"
};
using FieldValue = std::variant<Absent, Composite, bool, int64_t, double, std::string_view>;

struct IntRange {
  int64_t least = std::numeric_limits<int64_t>::min();
  int64_t most = std::numeric_limits<int64_t>::max();
};
inline constexpr IntRange kCount{1, std::numeric_limits<int32_t>::max()};  // sizes, heads, layers

struct FloatRange {
  double least = -std::numeric_limits<double>::max();
  double most = std::numeric_limits<double>::max();
};

class Fields {
 public:
  virtual ~Fields() = default;

  // What is at `key`. In JSON, "a.b" is field b of object a.
  virtual FieldValue at(std::string_view key) const = 0;
  // Calls `each` for the elements of an array until it returns false. False where there is no array at `key`.
  virtual bool visit(std::string_view key, const std::function<bool(const FieldValue&)>& each) const = 0;

  const std::string& file() const { return file_; }
  bool has(std::string_view key) const { return !std::holds_alternative<Absent>(at(key)); }

  Result<int64_t> require_int(std::string_view key, IntRange range = kCount) const;
  Result<double> require_float(std::string_view key, FloatRange range = {}) const;  // an integer will do
  Result<bool> require_bool(std::string_view key) const;
  Result<std::string_view> require_string(std::string_view key) const;
  Result<std::vector<int64_t>> require_ints(std::string_view key, IntRange range = {}) const;
  Result<std::vector<float>> require_floats(std::string_view key) const;
  Result<std::vector<std::string_view>> require_strings(std::string_view key) const;

  // `fallback` where the field is absent; one that is there has to be right.
  Result<int64_t> int_or(std::string_view key, int64_t fallback, IntRange range = kCount) const;
  Result<double> float_or(std::string_view key, double fallback, FloatRange range = {}) const;
  Result<bool> bool_or(std::string_view key, bool fallback) const;
  Result<std::string_view> string_or(std::string_view key, std::string_view fallback) const;

 protected:
  explicit Fields(std::string file) : file_(std::move(file)) {}
  Fields(Fields&&) = default;
  Fields& operator=(Fields&&) = default;

 private:
  std::string file_;
};

}  // namespace lathe
