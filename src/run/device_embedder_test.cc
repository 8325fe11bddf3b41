// An embedder on a device beside one on the CPU: texts of any length, chunks, prompts, and what a device refuses.
#include <gtest/gtest.h>

#include <cmath>

#include "gpu/instance.h"
#include "run/bench_embed_device.h"
#include "run/embedder.h"
#include "run/test_model.h"

namespace lathe::run {
namespace {

class DeviceEmbedder : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto instance = gpu::Instance::create();
    if (!instance || (*instance)->devices().empty()) GTEST_SKIP() << "there is no Vulkan device on this machine";
  }
  EmbedderOptions options(std::optional<int64_t> device) const {
    return {.model = model_.folder.path(), .threads = 1, .device = device};
  }
  testing::TestModel model_{"device_embedder"};
};

using Vectors = std::vector<std::vector<float>>;

Vectors embed(Embedder& embedder, const std::vector<std::string>& texts) {
  Vectors all;
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const Status status = embedder.embed(views, [&](const Embedding& e) {
    EXPECT_TRUE(e.status.ok()) << e.status.message();
    all.emplace_back(e.vector.begin(), e.vector.end());
    return Status();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  return all;
}

Vectors embed(const EmbedderOptions& options, const std::vector<std::string>& texts) {
  auto embedder = Embedder::open(options);
  EXPECT_TRUE(embedder.ok()) << embedder.status().message();
  return embedder ? embed(*embedder, texts) : Vectors();
}

std::string repeated(const std::string& word, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += (i > 0 ? " " : "") + word;
  return text;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]}, bb += double{b[i]} * double{b[i]};
  }
  return dot / std::sqrt(aa * bb);
}

TEST_F(DeviceEmbedder, VectorsAreTheCpusOfChunksPromptsAndBatchesOfAnySize) {
  std::vector<std::string> texts = {"one two", "", repeated("three four", 30), "twos", repeated("one", 300)};
  for (const int64_t batch : {int64_t{20}, int64_t{2048}})
    for (const bool chunks : {false, true}) {
      EmbedderOptions cpu = options({}), device = options(0);
      for (EmbedderOptions* o : {&cpu, &device}) {
        o->batch_tokens = batch;
        o->overflow = chunks ? Overflow::chunk : Overflow::truncate;
        if (chunks) o->prompt = "two ";
      }
      int64_t uploaded = 0;
      device.uploaded = [&uploaded](int64_t done, int64_t total) {
        EXPECT_LE(done, total);
        EXPECT_GE(done, uploaded);
        uploaded = done;
      };
      const Vectors expected = embed(cpu, texts), found = embed(device, texts);
      EXPECT_GT(uploaded, 0);
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) EXPECT_GE(cosine(found[i], expected[i]), 0.99999) << i;
    }
}

TEST_F(DeviceEmbedder, ALongTextChangesNothingForTheShortOnesBehindIt) {
  auto embedder = Embedder::open(options(0));
  ASSERT_TRUE(embedder.ok()) << embedder.status().message();
  const Vectors expected = embed(*embedder, {"one two"});
  embed(*embedder, std::vector<std::string>(9, repeated("four", 80)));  // more than there was room for
  EXPECT_EQ(embed(*embedder, {"one two"}), expected);
  const int64_t recorded = embedder->device()->recordings(), submitted = embedder->device()->submissions();
  EXPECT_EQ(embed(*embedder, {"three"}).size(), 1u);
  EXPECT_EQ(embedder->device()->recordings(), recorded);
  EXPECT_EQ(embedder->device()->submissions(), submitted + 1);
}

TEST_F(DeviceEmbedder, WhatADeviceRefusesIsASentence) {
  const auto refusal = [](const EmbedderOptions& o) { return Embedder::open(o).status().message(); };
  EmbedderOptions o = options(0);
  o.stored = matmul::Type::bf16;
  EXPECT_NE(refusal(o).find("bf16: the device takes f32, f16, q8_0 and q4_0"), std::string::npos) << refusal(o);
  o = options(0), o.max_rss = int64_t{1} << 30;
  EXPECT_NE(refusal(o).find("a device computes"), std::string::npos) << refusal(o);
  EXPECT_NE(refusal(options(99)), "");
}

TEST_F(DeviceEmbedder, TheBenchmarkCountsSubmissions) {
  auto embedder = Embedder::open(options(0));
  ASSERT_TRUE(embedder.ok()) << embedder.status().message();
  const Scenario scenario = {.name = "two", .what = "two texts", .calls = {{"one two", "three"}, {"four", "one"}}};
  const auto test = bench_on_device(*embedder, scenario, {.seconds = 0.05, .sweep = true});
  ASSERT_TRUE(test.ok()) << test.status().message();
  EXPECT_EQ(test->submissions_per_call, 1);
  EXPECT_EQ(test->texts_per_call, 2);
  EXPECT_GT(test->texts_per_s, 0);
  ASSERT_TRUE(test->sweep);
  for (const double ns : test->sweep->wall_ns) EXPECT_GT(ns, 0);
}

}  // namespace
}  // namespace lathe::run
