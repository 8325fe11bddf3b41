// What of the host's memory a device has, and what it has only once.
#include "ops/device_memory.h"

#include <cstring>
#include <numeric>
#include <vector>

#include "base/types.h"
#include "gpu/test_device.h"
#include "gpu/test_memory.h"

namespace lathe::ops {
namespace {

class DeviceMemoryTest : public gpu::DeviceTest {
 protected:
  template <class T>
  std::vector<T> get(const gpu::Place& place, int64_t count) {
    return gpu::TestMemory(device_).get<T>(place, count);
  }
};

template <class T>
TensorView table_of(const std::vector<T>& values, DType dtype, int64_t rows) {
  return {"words", dtype, Shape({rows, std::ssize(values) / rows}), std::as_bytes(std::span(values))};
}

TEST_F(DeviceMemoryTest, StandsForMemoryThatAPassWritesAndForNoOther) {
  DeviceMemory memory(device_);
  std::vector<float> first(20), second(10);
  memory.mirror(std::as_bytes(std::span(first)));
  memory.mirror(std::as_bytes(std::span(second)));
  const auto whole = memory.place(first.data(), 80), part = memory.place(first.data() + 5, 60),
             other = memory.place(second.data(), 40);
  ASSERT_TRUE(whole.ok() && part.ok() && other.ok());
  EXPECT_EQ(part->buffer, whole->buffer);
  EXPECT_EQ(part->at, 20);
  EXPECT_NE(other->buffer, whole->buffer);
  const float elsewhere[4] = {};
  EXPECT_FALSE(memory.place(first.data() + 5, 64).ok());
  EXPECT_FALSE(memory.place(first.data(), 84).ok());
  EXPECT_FALSE(memory.place(elsewhere, 16).ok());
  EXPECT_EQ(memory.uploaded_bytes(), 0);
}

TEST_F(DeviceMemoryTest, UploadsWhatDoesNotChangeOnce) {
  int64_t told = 0;
  DeviceMemory memory(device_, [&told](int64_t bytes) { told = bytes; });
  const std::vector<float> values = {1, 2, 3, 4};
  const auto once = memory.constant(values.data(), 4), again = memory.constant(values.data(), 4);
  ASSERT_TRUE(once.ok() && again.ok());
  EXPECT_EQ(once->buffer, again->buffer);
  EXPECT_EQ(memory.uploaded_bytes(), 16);
  EXPECT_EQ(told, 16);
  EXPECT_EQ(get<float>(*once, 4), values);
}

TEST_F(DeviceMemoryTest, AnglesComeAgainWhereTheirTableHasGrown) {
  DeviceMemory memory(device_);
  RopeTable table(4, 10000, 1);
  for (const int64_t positions : {64, 100}) {
    table.reserve(positions, 1000);
    const auto angles = memory.angles(table);
    ASSERT_TRUE(angles.ok()) << angles.status().message();
    const int64_t pairs = table.positions() * 2;
    const auto found = get<float>(*angles, 2 * pairs);
    for (int64_t i = 0; i < pairs; ++i) {
      ASSERT_EQ(found[static_cast<size_t>(2 * i)], table.cos()[i]);
      ASSERT_EQ(found[static_cast<size_t>(2 * i + 1)], table.sin()[i]);
    }
  }
}

TEST_F(DeviceMemoryTest, TablesKeepATypeThatTheDeviceHasAndAreWidenedElse) {
  DeviceMemory memory(device_);
  const std::vector<f16> halves = {to_f16(1), to_f16(2), to_f16(3), to_f16(4),
                                   to_f16(5), to_f16(6), to_f16(7), to_f16(8)};
  const std::vector<bf16> rounded = {to_bf16(1), to_bf16(2), to_bf16(3), to_bf16(4)};
  const EmbeddingTable kept = *EmbeddingTable::create(table_of(halves, DType::f16, 1));
  const EmbeddingTable widened = *EmbeddingTable::create(table_of(rounded, DType::bf16, 1));
  const auto as_stored = memory.rows(kept), as_f32 = memory.rows(widened);
  ASSERT_TRUE(as_stored.ok() && as_f32.ok());
  EXPECT_EQ(as_stored->type, gpu::WeightType::f16);
  EXPECT_EQ(std::memcmp(get<f16>(as_stored->place, 8).data(), halves.data(), 16), 0);
  EXPECT_EQ(as_f32->type, gpu::WeightType::f32);
  EXPECT_EQ(get<float>(as_f32->place, 4), (std::vector<float>{1, 2, 3, 4}));
  const auto floats = memory.floats(kept);
  ASSERT_TRUE(floats.ok());
  EXPECT_EQ(get<float>(*floats, 8), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(DeviceMemoryTest, ATableThatIsWeightsTooLiesThereOnce) {
  std::vector<float> values(40 * 8);
  std::iota(values.begin(), values.end(), 0.0f);
  const matmul::Source source = {.type = matmul::Type::f32, .data = values.data(), .ld = 8};
  const auto weights = Weights::prepare({&source, 1}, 40, 8, matmul::Layout::panel_f32, nullptr);
  ASSERT_TRUE(weights.ok());
  const EmbeddingTable table = *EmbeddingTable::create(table_of(values, DType::f32, 40));
  DeviceMemory memory(device_), apart(device_);
  memory.share(table, *weights);
  const auto rows = memory.rows(table), alone = apart.rows(table);
  const auto product = memory.weights(*weights);
  ASSERT_TRUE(rows.ok() && alone.ok() && product.ok());
  EXPECT_EQ(rows->place.buffer, product->buffer);
  EXPECT_EQ(rows->layout, gpu::WeightLayout::panels);
  EXPECT_EQ(alone->layout, gpu::WeightLayout::rows);
  EXPECT_EQ(memory.uploaded_bytes(), 64 * 8 * 4);  // whole panels of 32 columns
  EXPECT_EQ(apart.uploaded_bytes(), 40 * 8 * 4);
}

TEST_F(DeviceMemoryTest, ATableOfAnotherTypeOrShapeThanTheWeightsStaysApart) {
  const std::vector<float> values(40 * 8, 0.5f);
  const std::vector<f16> halves(40 * 8);
  const matmul::Source source = {.type = matmul::Type::f32, .data = values.data(), .ld = 8};
  const auto weights = Weights::prepare({&source, 1}, 40, 8, matmul::Layout::panel_f32, nullptr);
  ASSERT_TRUE(weights.ok());
  for (const EmbeddingTable& table : {*EmbeddingTable::create(table_of(halves, DType::f16, 40)),
                                      *EmbeddingTable::create(table_of(values, DType::f32, 20))}) {
    DeviceMemory memory(device_);
    memory.share(table, *weights);
    const auto rows = memory.rows(table);
    ASSERT_TRUE(rows.ok());
    EXPECT_EQ(rows->layout, gpu::WeightLayout::rows);
  }
}

TEST_F(DeviceMemoryTest, WeightsOfOtherTypesAreRefused) {
  DeviceMemory memory(device_);
  const std::vector<float> values(32 * 16, 0.5f);
  const matmul::Source source = {.type = matmul::Type::f32, .data = values.data(), .ld = 32};
  const auto packed = Weights::prepare({&source, 1}, 16, 32, matmul::Layout::panel_bf16, nullptr);
  ASSERT_TRUE(packed.ok());
  const Status refused = memory.weights(*packed).status();
  EXPECT_EQ(refused.code(), Code::unsupported);
  EXPECT_NE(refused.message().find("the device takes f32, f16, q8_0 and q4_0"), std::string::npos);
}

}  // namespace
}  // namespace lathe::ops
