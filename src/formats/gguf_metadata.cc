#include "formats/gguf_metadata.h"

namespace lathe {

void GgufMetadata::text(std::string_view text) {
  const uint64_t length = text.size();
  raw(&length, sizeof length);
  raw(text.data(), text.size());
}

void GgufMetadata::begin(std::string_view key, GgufType type) {
  ++count_;
  text(key);
  const auto number = static_cast<uint32_t>(type);
  raw(&number, sizeof number);
}

void GgufMetadata::begin_array(std::string_view key, GgufType element, uint64_t count) {
  begin(key, GgufType::array);
  const auto number = static_cast<uint32_t>(element);
  raw(&number, sizeof number);
  raw(&count, sizeof count);
}

void GgufMetadata::add(std::string_view key, std::string_view value) {
  begin(key, GgufType::string);
  text(value);
}

void GgufMetadata::add_array(std::string_view key, std::span<const std::string_view> texts) {
  begin_array(key, GgufType::string, texts.size());
  for (const std::string_view one : texts) text(one);
}

void GgufMetadata::add_flags(std::string_view key, std::span<const uint8_t> flags) {
  begin_array(key, GgufType::boolean, flags.size());
  raw(flags.data(), flags.size());
}

void GgufMetadata::add(const GgufEntry& entry) {
  const GgufValue& value = entry.value;
  const auto characters = std::string_view(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
  if (value.type == GgufType::string) return add(entry.key, characters);
  if (value.type == GgufType::array)
    begin_array(entry.key, value.element, value.count);
  else
    begin(entry.key, value.type);
  raw(characters.data(), characters.size());
}

}  // namespace lathe
