#include "formats/tfevents.h"

#include <array>

#include "base/protobuf_writer.h"

namespace lathe {
namespace {

constexpr auto kTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}();

void append_number(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

// Checksums of data that hold checksums are weak: they are turned and moved.
uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

ProtobufWriter event(double time, int64_t step) {
  ProtobufWriter event;
  event.number(1, time);
  if (step != 0) event.integer(2, step);
  return event;
}

std::string value_message(const SummaryValue& value) {
  ProtobufWriter message;
  message.text(1, value.tag);
  if (value.text.empty()) return message.number(2, value.scalar).bytes();
  constexpr int64_t kString = 7;  // of DataType
  const std::string one = ProtobufWriter().integer(1, 1).bytes();
  const std::string tensor =
      ProtobufWriter().integer(1, kString).text(2, ProtobufWriter().text(2, one).bytes()).text(8, value.text).bytes();
  const std::string plugin = ProtobufWriter().text(1, "text").bytes();
  return message.text(8, tensor).text(9, ProtobufWriter().text(1, plugin).bytes()).bytes();
}

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t before) {
  uint32_t crc = ~before;
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

std::string tfrecord(std::string_view bytes) {
  std::string record;
  append_number(record, bytes.size(), 8);
  append_number(record, masked_crc32c(record), 4);
  record += bytes;
  append_number(record, masked_crc32c(bytes), 4);
  return record;
}

std::string version_event(double time) { return event(time, 0).text(3, "brain.Event:2").bytes(); }

std::string summary_event(double time, int64_t step, std::span<const SummaryValue> values) {
  ProtobufWriter summary;
  for (const SummaryValue& value : values) summary.text(1, value_message(value));
  return event(time, step).text(5, summary.bytes()).bytes();
}

std::string restart_event(double time, int64_t step) {
  constexpr int64_t kStart = 1;  // of SessionLog's SessionStatus
  return event(time, step).text(7, ProtobufWriter().integer(1, kStart).bytes()).bytes();
}

}  // namespace lathe
