#include "run/tensorboard_log.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "base/test_files.h"
#include "formats/tfevents.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

std::string only_file(const std::string& folder) {
  std::string found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    EXPECT_TRUE(found.empty());
    found = entry.path();
  }
  EXPECT_TRUE(fs::path(found).filename().string().starts_with("events.out.tfevents."));
  return *read_file(found, 1 << 20);
}

TEST(TensorboardLog, AStepIsASummaryBehindTheHead) {
  const FakeFolder folder("tensorboard");
  {
    auto log = TensorboardLog::open(folder.path(), 0);
    ASSERT_TRUE(log.ok()) << log.status().message();
    log->add({.step = 7,
              .loss = 2.5,
              .smoothed = 2.75,
              .rate = 0.5,
              .gradient_norm = 3,
              .tokens = 10,
              .compute_seconds = 2,
              .part_norms = {{"mlp", 1.5}},
              .layer_norms = {1.25},
              .ranges = {4.0f}},
             100.5);
    log->add({.kind = TrainEvent::Kind::evaluation, .step = 7, .loss = 2.0, .smoothed = 2.125}, 101.5);
    log->add({.kind = TrainEvent::Kind::sample, .step = 7, .text = "Once"}, 102.5);
    log->add({.kind = TrainEvent::Kind::checkpoint, .step = 7, .text = "path"}, 103.5);
    EXPECT_TRUE(log->status().ok());
  }
  const SummaryValue step[] = {{"loss/train", 2.5f},
                               {"loss/smoothed", 2.75f},
                               {"learning_rate", 0.5f},
                               {"tokens_per_second", 5.0f},
                               {"gradient_norm/all", 3.0f},
                               {"gradient_norm/mlp", 1.5f},
                               {"gradient_norm_layer/00", 1.25f},
                               {"activation_range/00", 4.0f}};
  const SummaryValue evaluation[] = {{"loss/validation", 2.0f}, {"loss/validation_smoothed", 2.125f}};
  const SummaryValue sample[] = {{.tag = "sample", .text = "Once"}};
  const std::string text = only_file(folder.path("tensorboard"));
  const size_t head = tfrecord(version_event(0)).size();
  EXPECT_EQ(text.substr(head), tfrecord(summary_event(100.5, 7, step)) + tfrecord(summary_event(101.5, 7, evaluation)) +
                                   tfrecord(summary_event(102.5, 7, sample)));
}

TEST(TensorboardLog, ARunThatGoesOnSaysFromWhere) {
  const FakeFolder folder("tensorboard_resumed");
  ASSERT_TRUE(TensorboardLog::open(folder.path(), 300).ok());
  const std::string text = only_file(folder.path("tensorboard"));
  EXPECT_EQ(text.size(), tfrecord(version_event(1)).size() + tfrecord(restart_event(1, 301)).size());
  folder.write("file", "");
  EXPECT_NE(TensorboardLog::open(folder.path("file"), 0).status().message().find("cannot be created"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe::run
