// GGUF versions 2 and 3, little-endian: typed metadata and tensors in one file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/fields.h"
#include "lathe/status.h"
#include "platform/mapped_file.h"
#include "tensor/tensor_table.h"

namespace lathe {

// The numbers that stand in files.
enum class GgufType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
std::string_view gguf_type_name(GgufType type);

// A value where it lies in the file: a string's characters, a number's bytes, or an array's elements, one after the
// other (strings with their lengths before them), all within the file.
struct GgufValue {
  GgufType type = GgufType::u8;
  GgufType element = GgufType::u8;  // of an array
  uint64_t count = 0;               // of an array
  std::span<const std::byte> bytes;
};

struct GgufEntry {
  std::string_view key;
  GgufValue value;
};

class Gguf final : public Fields {
 public:
  // Everything leads into `bytes`, which outlive this; `file` is named in errors.
  static Result<Gguf> parse(std::span<const std::byte> bytes, std::string_view file);

  uint32_t version() const { return version_; }
  std::span<const GgufEntry> entries() const { return entries_; }  // in the order of the file
  const TensorTable& tensors() const { return tensors_; }          // shapes in PyTorch's order

  const GgufValue* find(std::string_view key) const;
  FieldValue at(std::string_view key) const override;
  bool visit(std::string_view key, const std::function<bool(const FieldValue&)>& each) const override;
  // The bytes of an array of u8 or i8; nothing where `key` holds something else.
  std::optional<std::span<const std::byte>> byte_array(std::string_view key) const;

 private:
  explicit Gguf(std::string file) : Fields(std::move(file)) {}

  uint32_t version_ = 0;
  std::vector<GgufEntry> entries_;
  std::vector<uint32_t> by_key_;
  TensorTable tensors_;
};

struct GgufFile {
  MappedFile file;
  Gguf content;
};
Result<GgufFile> open_gguf(const std::string& path);

}  // namespace lathe
