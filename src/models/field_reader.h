// Fields read one after the other: the first error stays, and what follows it is 0 or empty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "formats/fields.h"

namespace lathe::models {

class FieldReader {
 public:
  // `prefix` stands before every key, as the architecture does in a GGUF file.
  explicit FieldReader(const Fields& fields, std::string prefix = "") : fields_(fields), prefix_(std::move(prefix)) {}

  const Fields& fields() const { return fields_; }
  const Status& status() const { return status_; }
  std::string key(std::string_view name) const { return prefix_ + std::string(name); }

  int64_t count(std::string_view name, IntRange range = kCount) { return take(fields_.require_int(key(name), range)); }
  int64_t count_or(std::string_view name, int64_t fallback, IntRange range = kCount) {
    return take(fields_.int_or(key(name), fallback, range));
  }
  double number(std::string_view name, FloatRange range) { return take(fields_.require_float(key(name), range)); }
  double number_or(std::string_view name, double fallback, FloatRange range) {
    return take(fields_.float_or(key(name), fallback, range));
  }
  bool flag_or(std::string_view name, bool fallback) { return take(fields_.bool_or(key(name), fallback)); }
  std::string_view text(std::string_view name) { return take(fields_.require_string(key(name))); }

 private:
  template <class T>
  T take(Result<T> result) {
    if (result) return *result;
    if (status_.ok()) status_ = result.status();
    return {};
  }

  const Fields& fields_;
  const std::string prefix_;
  Status status_;
};

}  // namespace lathe::models
