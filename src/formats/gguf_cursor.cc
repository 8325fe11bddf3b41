#include "formats/gguf_cursor.h"

#include <fmt/format.h>

#include <array>

namespace lathe {
namespace {

struct TypeInfo {
  std::string_view name;
  size_t bytes;
};
constexpr std::array<TypeInfo, 13> kTypes = {{{"u8", 1},
                                              {"i8", 1},
                                              {"u16", 2},
                                              {"i16", 2},
                                              {"u32", 4},
                                              {"i32", 4},
                                              {"f32", 4},
                                              {"bool", 1},
                                              {"string", 0},
                                              {"array", 0},
                                              {"u64", 8},
                                              {"i64", 8},
                                              {"f64", 8}}};

}  // namespace

std::string_view gguf_type_name(GgufType type) { return kTypes[static_cast<size_t>(type)].name; }
size_t gguf_type_bytes(GgufType type) { return kTypes[static_cast<size_t>(type)].bytes; }

Status GgufCursor::take(uint64_t count, std::span<const std::byte>& part, std::string_view what) {
  if (count > left())
    return corrupt(
        fmt::format("{}: {} takes {} bytes at byte {}, needed: at most the {} that are left; is the file cut short?",
                    file_, what, count, at_, left()));
  part = bytes_.subspan(at_, count);
  at_ += count;
  return {};
}

Status GgufCursor::read(std::string_view& text, std::string_view what) {
  uint64_t length = 0;
  std::span<const std::byte> part;
  if (const Status status = read(length, what); !status.ok()) return status;
  if (const Status status = take(length, part, what); !status.ok()) return status;
  text = {reinterpret_cast<const char*>(part.data()), part.size()};
  return {};
}

Status GgufCursor::read(GgufType& type, std::string_view what) {
  uint32_t number = 0;
  if (const Status status = read(number, what); !status.ok()) return status;
  if (number >= kTypes.size())
    return corrupt(fmt::format("{}: {} has type {}, needed: 0 to {}", file_, what, number, kTypes.size() - 1));
  type = static_cast<GgufType>(number);
  return {};
}

Status GgufCursor::read(GgufValue& value, std::string_view what) {
  if (const Status status = read(value.type, what); !status.ok()) return status;
  if (value.type == GgufType::array) return read_array(value, what);
  if (value.type != GgufType::string) return take(gguf_type_bytes(value.type), value.bytes, what);
  std::string_view text;
  const Status status = read(text, what);
  value.bytes = std::as_bytes(std::span(text));
  return status;
}

Status GgufCursor::read_array(GgufValue& value, std::string_view what) {
  if (const Status status = read(value.element, what); !status.ok()) return status;
  if (const Status status = read(value.count, what); !status.ok()) return status;
  if (value.element == GgufType::array)
    return unsupported(
        fmt::format("{}: {} is an array of arrays, needed: an array of scalars or strings", file_, what));
  const bool strings = value.element == GgufType::string;
  const size_t least = strings ? sizeof(uint64_t) : gguf_type_bytes(value.element);
  if (value.count > left() / least)
    return corrupt(
        fmt::format("{}: {} has {} elements of type {}, needed: at most the {} that the {} bytes left can hold", file_,
                    what, value.count, gguf_type_name(value.element), left() / least, left()));
  if (!strings) return take(value.count * least, value.bytes, what);
  const size_t begin = at_;
  for (uint64_t i = 0; i < value.count; ++i) {
    std::string_view text;
    if (const Status status = read(text, what); !status.ok()) return status;
  }
  value.bytes = bytes_.subspan(begin, at_ - begin);
  return {};
}

}  // namespace lathe
