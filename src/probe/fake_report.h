// A small report made by hand, for the tests of what is drawn from one.
#pragma once

#include "probe/context.h"
#include "probe/probe.h"

namespace lathe::probe {

inline Row fake_row(int64_t shape, const char* provider, const char* variant, double ms, double flops) {
  Row row;
  row.shape = shape;
  row.provider = provider;
  row.variant = variant;
  row.disposition = Disposition::passed;
  row.max_rel = 1e-6;
  row.nmse = 1e-13;
  row.timing = {ms, ms * 1.25, ms * 0.9, 0.02, ms * 2, 30};
  row.gflops = flops / ms / 1e6;
  row.gbps = 4;
  row.ceiling = "fma";
  row.share = row.gflops / 200;
  return row;
}

inline Row fake_refusal(int64_t shape, const char* provider, const char* variant, const char* reason) {
  Row row;
  row.shape = shape;
  row.provider = provider;
  row.variant = variant;
  row.disposition = Disposition::not_supported;
  row.reason = reason;
  return row;
}

inline Shape fake_shape(const char* name, const char* group, int64_t m, int64_t n, int64_t k) {
  Shape shape;
  shape.name = name;
  shape.group = shape.source = group;
  shape.problem.m = m;
  shape.problem.n = n;
  shape.problem.k = k;
  return shape;
}

// Two groups: ours wins one shape 2:1 and loses one 1:2; a q8_0 shape without a peer; one that nothing took; an
// incorrect row, and one above its ceiling that would otherwise be the fastest.
inline Report fake_report() {
  Report report;
  report.ceilings = {2, 200, 26, 400, 800, 300, 100, 18, 200, 400, 150, 150, 2000};
  report.load_before = 0.25;
  report.load_after = 1.5;
  report.date = "2030-01-02T03:04:05Z";
  report.notes = {"a note"};
  report.shapes = {fake_shape("won", "model", 10, 100, 1000), fake_shape("lost", "model", 20, 100, 1000),
                   fake_shape("int, \"quoted\" </script>", "other", 10, 100, 1000),
                   fake_shape("untaken", "other", 1, 1, 1)};
  report.shapes[2].problem.w = matmul::Type::q8_0;
  report.shapes[2].problem.bias = true;
  report.rows = {fake_row(0, "lathe", "tile6", 0.02, 2e6),
                 fake_row(0, "lathe", "tile4", 0.025, 2e6),
                 fake_row(0, "openblas", "sgemm", 0.04, 2e6),
                 fake_row(0, "blis", "sgemm", 0.005, 2e6),
                 fake_row(1, "lathe", "tile6", 0.08, 4e6),
                 fake_row(1, "openblas", "sgemm", 0.04, 4e6),
                 fake_row(1, "blis", "sgemm", 0.05, 4e6),
                 fake_refusal(2, "lathe", "tile6", "reads f32 weights"),
                 fake_row(2, "lathe", "q8", 0.01, 2e6),
                 fake_refusal(2, "openblas", "sgemm", "computes f32 only"),
                 fake_refusal(3, "lathe", "tile6", "reads f32 weights"),
                 fake_refusal(3, "lathe", "q8", "takes K from 32")};
  report.rows[1].chosen = report.rows[4].chosen = report.rows[8].chosen = true;
  report.rows[0].best_of_ours = report.rows[4].best_of_ours = report.rows[8].best_of_ours = true;
  report.rows[3].above_ceiling = true;
  report.rows[3].share = 2;
  report.rows[6].disposition = Disposition::incorrect;
  report.rows[6].reason = "max_rel 0.5, allowed 1e-5";
  report.rows[6].timing = {};
  return report;
}

inline Context fake_context() {
  return {"Test CPU", "test-1", "avx2 fma", "Linux 6", "two cores are allowed",
          "0.1.0",    "abcd",   "gcc 12",   "-O3",     {{"openblas", "OpenBLAS 0.3.21"}, {"blis", "BLIS 0.9.0"}}};
}

}  // namespace lathe::probe
