#include "probe/summary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string_view>

#include "probe/fake_report.h"

namespace lathe::probe {
namespace {

TEST(Summary, RatiosAgainstTheFastestSoundPeer) {
  const Report report = fake_report();
  const Summary s = summarize(report);
  ASSERT_EQ(s.groups.size(), 2u);
  const auto& model = s.groups[0];
  ASSERT_EQ(model.shapes.size(), 2u);
  EXPECT_EQ(model.shapes[0].best->variant, "tile6");
  EXPECT_EQ(model.shapes[0].chosen->variant, "tile4");
  EXPECT_EQ(model.shapes[0].peer->provider, "openblas");  // blis is faster, but above its ceiling
  EXPECT_DOUBLE_EQ(model.shapes[0].ratio, 2.0);
  EXPECT_DOUBLE_EQ(model.shapes[0].chosen_ratio, 1.6);
  EXPECT_DOUBLE_EQ(model.shapes[1].ratio, 0.5);  // the incorrect row has no speed
  EXPECT_NEAR(model.geomean, 1.0, 1e-12);
  EXPECT_EQ(model.compared, 2);
  EXPECT_EQ(model.won, 1);
}

TEST(Summary, WithoutAPeerThereIsNoRatio) {
  const Report report = fake_report();
  const Summary s = summarize(report);
  EXPECT_EQ(s.groups[1].compared, 0);
  EXPECT_EQ(s.groups[1].geomean, 0);
  EXPECT_EQ(s.compared, 2);
  EXPECT_NEAR(s.chosen_geomean, std::sqrt(1.6 * 0.5), 1e-12);
}

TEST(Summary, FaultsAndGapsAreCounted) {
  const Report report = fake_report();
  const Summary s = summarize(report);
  EXPECT_EQ(s.incorrect, 1);
  EXPECT_EQ(s.failed, 0);
  EXPECT_EQ(s.above_ceiling, 1);
  EXPECT_EQ(s.untaken, std::vector<std::string>{"untaken"});
  ASSERT_EQ(s.gaps.size(), 3u);
  EXPECT_EQ(s.gaps[0].who, "tile6");
  EXPECT_EQ(s.gaps[0].shapes, 2);  // the same sentence twice is one gap
  EXPECT_EQ(s.gaps[1].who, "openblas sgemm");
  EXPECT_EQ(s.gaps[2].reason, "takes K from 32");
}

// 20 values of M: GFLOP/s climb to 100 at M=6, stand at 100, and fall to 80 at M=12. M=3 dips too, but lies below
// the range that counts.
Report sweep_report() {
  Report report;
  for (int64_t m = 1; m <= 20; ++m) {
    report.shapes.push_back(fake_shape("m", "sweep", m, 64, 64));
    const double gflops = m == 3 ? 1 : m < 6 ? 15.0 * static_cast<double>(m) : m == 12 ? 80 : 100;
    for (const char* provider : {"lathe", "blis"}) {
      Row row = fake_row(m - 1, provider, "v", 1, 1e6);
      row.gflops = provider == std::string_view("lathe") ? gflops : 50;
      report.rows.push_back(row);
    }
  }
  return report;
}

TEST(Summary, SweepFindsTheLargestDrop) {
  const Report report = sweep_report();
  const Summary s = summarize(report);
  ASSERT_EQ(s.sweeps.size(), 1u);
  ASSERT_EQ(s.sweeps[0].series.size(), 2u);
  const SweepSeries& mine = s.sweeps[0].series[0];
  EXPECT_EQ(mine.name, "lathe");
  ASSERT_EQ(mine.points.size(), 20u);
  EXPECT_EQ(mine.points[11], (std::pair<int64_t, double>{12, 80.0}));
  EXPECT_NEAR(mine.drop, 0.2, 1e-12);
  EXPECT_EQ(mine.drop_m, 12);
  EXPECT_EQ(mine.drop_from, 6);
  EXPECT_EQ(s.sweeps[0].series[1].drop, 0);
}

TEST(Summary, AFewShapesAreNoSweep) { EXPECT_TRUE(summarize(fake_report()).sweeps.empty()); }

TEST(Summary, OfNothingIsEmpty) {
  const Summary s = summarize(Report{});
  EXPECT_TRUE(s.groups.empty());
  EXPECT_EQ(s.geomean, 0);
}

}  // namespace
}  // namespace lathe::probe
