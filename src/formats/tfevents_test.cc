#include "formats/tfevents.h"

#include <gtest/gtest.h>

namespace lathe {
namespace {

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

TEST(Tfevents, ChecksumsAreThoseOfTheStandard) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);  // the check value of CRC-32C
  // RFC 3720, appendix B.4
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) {
    rising += static_cast<char>(i);
    falling += static_cast<char>(31 - i);
  }
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(crc32c(falling), 0x113fdb5cu);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), crc32c("123456789"));
}

// The bytes that TensorBoard's own writer (tensorboard 2.21, RecordWriter) leaves for the same events.
TEST(Tfevents, RecordsAreThoseOfTensorBoard) {
  EXPECT_EQ(tfrecord(version_event(1.5)),
            bytes_of("1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c"));
  const SummaryValue values[] = {{"loss/train", 2.25f}, {"learning_rate", 0.001f}};
  EXPECT_EQ(tfrecord(summary_event(1.5, 300, values)),
            bytes_of("3700000000000000e7e8ca5909000000000000f83f10ac022a290a110a0a6c6f73732f747261696e15000010400a140a0"
                     "d6c6561726e696e675f72617465156f12833aaf87fc01"));
  const SummaryValue text[] = {{.tag = "sample", .text = "Once upon"}};
  EXPECT_EQ(tfrecord(summary_event(1.5, 300, text)),
            bytes_of("3700000000000000e7e8ca5909000000000000f83f10ac022a290a270a0673616d706c654213080712041202080142094"
                     "f6e63652075706f6e4a080a060a0474657874159e7c47"));
  EXPECT_EQ(tfrecord(restart_event(1.5, 300)),
            bytes_of("100000000000000095fbfe1809000000000000f83f10ac023a020801713b788a"));
}

}  // namespace
}  // namespace lathe
