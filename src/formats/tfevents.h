// TensorBoard's event files: records with checksums, each of them a message Event. docs/formats.md has the bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lathe {

// CRC-32C (Castagnoli), of `bytes` behind those whose checksum is `before`.
uint32_t crc32c(std::string_view bytes, uint32_t before = 0);

// A record of a TFRecord file: its length, the length's masked checksum, the bytes, their masked checksum.
std::string tfrecord(std::string_view bytes);

// One value of a summary. Names with "/" stand in groups.
struct SummaryValue {
  std::string tag;
  float scalar = 0;
  std::string text{};  // where it is not empty, a text and no number
};

// Messages of event.proto, of the time in seconds since 1970.
std::string version_event(double time);
std::string summary_event(double time, int64_t step, std::span<const SummaryValue> values);
// A run that goes on behind `step`: a reader forgets what it has read of later ones.
std::string restart_event(double time, int64_t step);

}  // namespace lathe
