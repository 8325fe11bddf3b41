#include "run/train_log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/test_files.h"

namespace lathe::run {
namespace {

class TrainLogTest : public testing::Test {
 protected:
  void write(int64_t from, int64_t steps, int64_t resumed) {
    auto log = TrainLog::open(folder_.path(), resumed, R"({"event":"start"})");
    ASSERT_TRUE(log.ok()) << log.status().message();
    for (int64_t i = 0; i < steps; ++i)
      log->add({.step = from + i, .loss = 4.5, .phases = {{"data", 0.25}}, .text = {}});
  }
  std::string text(const char* name) const { return *read_file(folder_.path(name), 1 << 20); }
  FakeFolder folder_{"train_log"};
};

TEST_F(TrainLogTest, LinesAreJsonAndRowsHaveTheirHead) {
  write(1, 2, -1);
  const std::string lines = text("log.jsonl");
  const auto second =
      nlohmann::json::parse(lines.substr(lines.find('\n') + 1, lines.find('\n', 20) - lines.find('\n')));
  EXPECT_EQ(second["event"], "step");
  EXPECT_EQ(second["loss"], 4.5);
  EXPECT_EQ(second["phases"]["data"], 0.25);
  EXPECT_TRUE(text("log.csv").starts_with("step,epoch,loss,"));
  EXPECT_NE(text("log.csv").find("\n2,0,4.5,"), std::string::npos);
}

TEST_F(TrainLogTest, AResumedRunReplacesWhatItMakesAgain) {
  write(1, 5, -1);
  std::ofstream(folder_.path("log.jsonl"), std::ios::app) << "{\"event\":\"step\",\"st";  // killed in the middle
  std::ofstream(folder_.path("log.csv"), std::ios::app) << "6,0";
  write(4, 3, 3);
  std::vector<int64_t> steps;
  std::istringstream lines(text("log.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json["event"] == "step") steps.push_back(json["step"]);
  }
  EXPECT_EQ(steps, (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  std::istringstream rows(text("log.csv"));
  std::vector<std::string> begins;
  for (std::string row; std::getline(rows, row);) begins.push_back(row.substr(0, row.find(',')));
  EXPECT_EQ(begins, (std::vector<std::string>{"step", "1", "2", "3", "4", "5", "6"}));
}

TEST_F(TrainLogTest, NormsByPartAndRangesStandInTheLine) {
  const TrainEvent event{.step = 1, .part_norms = {{"mlp", 2.0}}, .layer_norms = {0.5, 1.5}, .ranges = {3.0f}};
  const auto json = nlohmann::json::parse(event_json(event));
  EXPECT_EQ(json["gradient_norms"]["mlp"], 2.0);
  EXPECT_EQ(json["gradient_norms"]["layers"], (std::vector<double>{0.5, 1.5}));
  EXPECT_EQ(json["activation_ranges"], std::vector<double>{3.0});
}

TEST_F(TrainLogTest, ANumberThatIsNoneIsNoBrokenLine) {
  EXPECT_EQ(nlohmann::json::parse(event_json({.step = 1, .loss = NAN}))["loss"], nullptr);
  const TrainEvent sample{.kind = TrainEvent::Kind::sample, .step = 2, .text = "a\nb\xff"};
  EXPECT_EQ(nlohmann::json::parse(event_json(sample))["text"], "a\nb\uFFFD");
}

}  // namespace
}  // namespace lathe::run
