#include "formats/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/bounded_json.h"
#include "base/shown.h"
#include "tensor/tensor_table.h"

namespace lathe {
namespace {

constexpr size_t kLeastEntry = 48;      // bytes of text: "":{"dtype":"U8","shape":[],"data_offsets":[0,0]}
constexpr size_t kMostMetadata = 4096;  // entries; published files have a few dozen at most
// A tensor is nine values; the text of a header is capped by its caller.
constexpr JsonLimits kLimits{.depth = 4, .token = 4 << 20, .values = 16 * TensorTable::kMost};

struct DTypeName {
  std::string_view name;
  DType dtype;
};
constexpr DTypeName kDTypeNames[] = {
    {"F32", DType::f32},         {"F16", DType::f16},         {"BF16", DType::bf16},    {"F64", DType::f64},
    {"F8_E4M3", DType::f8_e4m3}, {"F8_E5M2", DType::f8_e5m2}, {"BOOL", DType::boolean}, {"I8", DType::i8},
    {"U8", DType::u8},           {"I16", DType::i16},         {"U16", DType::u16},      {"I32", DType::i32},
    {"U32", DType::u32},         {"I64", DType::i64},         {"U64", DType::u64},
};

std::optional<DType> parse_dtype(std::string_view name) {
  for (const DTypeName& known : kDTypeNames)
    if (known.name == name) return known.dtype;
  return std::nullopt;
}

// What comes next, and therefore what an unexpected value is said to be instead of.
enum class At { document, tensor, dtype, shape, dimension, offsets, offset, metadata, text, end };

constexpr const char* needed(At at) {
  switch (at) {
    case At::document:
      return "an object of tensors";
    case At::tensor:
      return "an object with dtype, shape and data_offsets";
    case At::dtype:
      return "the name of a dtype";
    case At::shape:
      return "an array of dimensions";
    case At::dimension:
      return "a dimension of 0 to 9223372036854775807";
    case At::offsets:
      return "an array of two offsets";
    case At::offset:
      return "an offset of 0 to 9223372036854775807";
    case At::metadata:
      return "an object of strings";
    case At::text:
      return "a string";
    case At::end:
      break;
  }
  return "the end of the header";
}

class HeaderEvents final : public JsonEvents {
 public:
  HeaderEvents(std::string_view file, size_t text) : JsonEvents(file) {
    // Memory that grew by doubling would take half as much again; what is only reserved takes none.
    const size_t most = std::min(text / kLeastEntry, static_cast<size_t>(TensorTable::kMost));
    header_.tensors.reserve(most);
    header_.extents.reserve(most);
  }
  SafetensorsHeader take() { return std::move(header_); }

  bool null() override {
    if (at_ == At::metadata) return leave();  // some writers have it so where there is none
    return wrong("null");
  }
  bool boolean(bool value) override { return wrong(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return wrong(fmt::format("{}", value)); }
  bool number_float(number_float_t value, const string_t&) override { return wrong(fmt::format("{}", value)); }
  bool binary(binary_t&) override { return wrong("bytes"); }
  bool number_unsigned(number_unsigned_t value) override;
  bool string(string_t& value) override;
  bool start_object(size_t) override;
  bool start_array(size_t) override;
  bool end_object() override;
  bool end_array() override;
  bool key(string_t& name) override;

 private:
  enum Field : unsigned { kDType = 1, kShape = 2, kOffsets = 4, kAll = 7 };

  std::string where() const;
  bool wrong(std::string_view found);
  bool top_key(string_t& name);
  bool field_key(const string_t& name);
  bool text_value(const string_t& value);
  bool leave() {
    level_ = Level::top;
    return true;
  }

  enum class Level { document, top, tensor, metadata };
  SafetensorsHeader header_;
  Level level_ = Level::document;  // the object that is open
  At at_ = At::document;
  TensorView entry_;
  SafetensorsExtent extent_;
  bool has_metadata_ = false;
  unsigned seen_ = 0;
  int offsets_ = 0;
  std::string name_;   // of the tensor, or __metadata__
  std::string field_;  // within it
};

std::string HeaderEvents::where() const {
  if (level_ == Level::document) return "the header";
  if (level_ == Level::metadata) return "__metadata__, " + shown(field_);
  if (name_ == "__metadata__") return name_;
  return "tensor " + shown(name_) + (field_.empty() ? "" : ", " + field_);
}

bool HeaderEvents::wrong(std::string_view found) {
  return fail(corrupt(fmt::format("{}: {} is {}, needed: {}", file(), where(), found, needed(at_))));
}

bool HeaderEvents::number_unsigned(number_unsigned_t value) {
  constexpr uint64_t kLargest = std::numeric_limits<int64_t>::max();
  if ((at_ != At::dimension && at_ != At::offset) || value > kLargest) return wrong(fmt::format("{}", value));
  const auto number = static_cast<int64_t>(value);
  if (at_ == At::dimension) {
    if (!entry_.shape.push_back(number)) return wrong(fmt::format("of more than {} dimensions", Shape::kMaxRank));
    return true;
  }
  if (offsets_ == 2) return wrong("a third offset");
  (offsets_++ == 0 ? extent_.begin : extent_.end) = number;
  return true;
}

bool HeaderEvents::string(string_t& value) {
  if (at_ == At::text) return text_value(value);
  if (at_ != At::dtype) return wrong(shown(value));
  const auto dtype = parse_dtype(value);
  if (!dtype)
    return fail(
        unsupported(fmt::format("{}: tensor {}, dtype is {}, needed: one of F64, F32, F16, BF16, F8_E4M3, F8_E5M2, "
                                "I64, I32, I16, I8, U64, U32, "
                                "U16, U8, BOOL",
                                file(), shown(name_), shown(value))));
  entry_.dtype = *dtype;
  return true;
}

bool HeaderEvents::text_value(const string_t& value) {
  if (header_.metadata.size() == kMostMetadata) return wrong(fmt::format("entry {} of it", kMostMetadata + 1));
  if (!header_.metadata.emplace(field_, value).second) return wrong("there twice");
  return true;
}

bool HeaderEvents::start_object(size_t) {
  if (at_ == At::document)
    level_ = Level::top;
  else if (at_ == At::tensor)
    level_ = Level::tensor;
  else if (at_ == At::metadata)
    level_ = Level::metadata;
  else
    return wrong("an object");
  at_ = At::end;  // until a key says what is next
  return true;
}

bool HeaderEvents::start_array(size_t) {
  if (at_ == At::shape)
    at_ = At::dimension;
  else if (at_ == At::offsets)
    at_ = At::offset;
  else
    return wrong("an array");
  return true;
}

bool HeaderEvents::end_array() {
  if (at_ == At::offset && offsets_ != 2) {
    at_ = At::offsets;
    return wrong(fmt::format("an array of {}", offsets_));
  }
  return true;
}

bool HeaderEvents::end_object() {
  if (level_ == Level::tensor) {
    if (seen_ != kAll) {
      field_ = !(seen_ & kDType) ? "dtype" : !(seen_ & kShape) ? "shape" : "data_offsets";
      at_ = field_ == "dtype" ? At::dtype : field_ == "shape" ? At::shape : At::offsets;
      return wrong("missing");
    }
    header_.tensors.push_back(std::move(entry_));
    header_.extents.push_back(extent_);
  }
  at_ = At::end;
  return leave();
}

bool HeaderEvents::key(string_t& name) {
  if (level_ == Level::top) return top_key(name);
  if (level_ == Level::tensor) return field_key(name);
  at_ = At::text;
  field_ = std::move(name);
  return true;
}

bool HeaderEvents::top_key(string_t& name) {
  name_ = std::move(name);
  field_.clear();
  at_ = name_ == "__metadata__" ? At::metadata : At::tensor;
  if (at_ == At::metadata) return std::exchange(has_metadata_, true) ? wrong("there twice") : true;
  if (static_cast<int64_t>(header_.tensors.size()) == TensorTable::kMost)
    return fail(unsupported(
        fmt::format("{}: the header has more than {} tensors, needed: at most that", file(), TensorTable::kMost)));
  entry_ = {};
  entry_.name = name_;
  seen_ = 0;
  offsets_ = 0;
  return true;
}

bool HeaderEvents::field_key(const string_t& name) {
  struct Known {
    std::string_view name;
    Field field;
    At at;
  };
  static constexpr Known kKnown[] = {
      {"dtype", kDType, At::dtype}, {"shape", kShape, At::shape}, {"data_offsets", kOffsets, At::offsets}};
  for (const Known& known : kKnown) {
    if (known.name != name) continue;
    field_ = name;
    at_ = known.at;
    if (seen_ & known.field) return wrong("there twice");
    seen_ |= known.field;
    return true;
  }
  return fail(corrupt(fmt::format("{}: tensor {} has the field {}, needed: dtype, shape and data_offsets alone", file(),
                                  shown(name_), shown(name))));
}

}  // namespace

Result<SafetensorsHeader> read_safetensors_header(std::string_view json, std::string_view file) {
  HeaderEvents events(file, json.size());
  if (const Status status = read_json(json, file, kLimits, events); !status.ok()) return status;
  return events.take();
}

}  // namespace lathe
