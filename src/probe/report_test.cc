// What is drawn from a report: table, CSV, JSON and page.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "probe/fake_report.h"
#include "probe/html_report.h"
#include "probe/json_report.h"
#include "probe/table.h"

namespace lathe::probe {
namespace {

constexpr char kTable[] = R"(machine   Test CPU, avx2 fma
threads   2 (two cores are allowed)
ceilings  fma 200.0 GFLOP/s, int 400.0 Gop/s, byte 800.0 Gop/s, bf16 300.0 GFLOP/s, read 26.0 GB/s; one thread 100.0, 200.0, 400.0, 150.0, 18.0
team      barrier 150 ns, empty program 2000 ns
load      0.25 before, 1.50 after
peers     OpenBLAS 0.3.21, BLIS 0.9.0
operands  cold: they rotate through more than the caches hold
build     lathe 0.1.0 abcd, gcc 12
date      2030-01-02T03:04:05Z

model
  shape   M    N     K    types  W   best of ours      ms  GFLOP/s  share  of   best peer       GFLOP/s  ratio  dispatch
  won    10  100  1000    f32    nk  tile6         0.0200    100.0    50%  fma  openblas sgemm     50.0  2.00x  tile4 +25%
  lost   20  100  1000    f32    nk  tile6         0.0800     50.0    25%  fma  openblas sgemm    100.0  0.50x  =
  geometric mean 1.00x against the best peer over 2 shapes, 1 won; as dispatched 0.89x

other
  shape                     M    N     K    types  W   best of ours       ms  GFLOP/s  share  of   best peer  GFLOP/s  ratio  dispatch
  int, "quoted" </script>  10  100  1000    q8_0   nk  q8             0.0100    200.0   100%  fma  -                -      -  =
  untaken                   1    1     1    f32    nk  not_supported       -        -      -       -                -      -  -

not supported
  nothing of ours took untaken
  2 shapes: reads f32 weights
    tile6
  1 shape: computes f32 only
    openblas sgemm
  1 shape: takes K from 32
    q8

faults
  above its ceiling  blis sgemm  won   2.00 of fma: a fault of the measurement
  incorrect          blis sgemm  lost  max_rel 0.5, allowed 1e-5

note: a note

overall: geometric mean 1.00x against the best peer over 2 shapes, 1 won; as dispatched 0.89x
)";

TEST(Table, Golden) { EXPECT_EQ(render_table(fake_report(), fake_context()), kTable); }

TEST(Table, NoLineEndsInABlank) {
  const std::string text = render_table(fake_report(), fake_context());
  EXPECT_EQ(text.find(" \n"), std::string::npos);
  EXPECT_EQ(text.find('\t'), std::string::npos);
}

TEST(Csv, OneLinePerRowWithAsManyFields) {
  const Report report = fake_report();
  const std::string csv = render_csv(report);
  std::vector<int> commas(1, 0);
  bool quoted = false;
  for (const char c : csv) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) ++commas.back();
    if (c == '\n' && !quoted) commas.push_back(0);
  }
  ASSERT_EQ(commas.size(), report.rows.size() + 2);  // the header, and the empty rest after the last line feed
  for (size_t i = 0; i + 1 < commas.size(); ++i) EXPECT_EQ(commas[i], commas[0]) << "line " << i;
  EXPECT_NE(csv.find("\"int, \"\"quoted\"\" </script>\""), std::string::npos);
}

nlohmann::json parsed() { return nlohmann::json::parse(render_json(fake_report(), fake_context(), 1)); }

TEST(Json, Machine) {
  const auto machine = parsed()["machine"];
  EXPECT_EQ(machine["cpu"], "Test CPU");
  EXPECT_EQ(machine["isa"], "avx2 fma");
  EXPECT_EQ(machine["threads"], 2);
  EXPECT_EQ(machine["ceilings"]["fma_gflops"], 200);
  EXPECT_EQ(machine["ceilings"]["read_gbps"], 26);
  EXPECT_EQ(machine["compiler"], "gcc 12");
  EXPECT_EQ(machine["flags"], "-O3");
  EXPECT_EQ(machine["build_id"], "abcd");
  EXPECT_EQ(machine["date"], "2030-01-02T03:04:05Z");
  EXPECT_EQ(machine["load"]["after"], 1.5);
  EXPECT_EQ(machine["providers"]["openblas"], "OpenBLAS 0.3.21");
}

TEST(Json, RowsHoldTheFigures) {
  const auto rows = parsed()["rows"];
  ASSERT_EQ(rows.size(), fake_report().rows.size());
  const auto& first = rows[0];
  EXPECT_EQ(first["op"], "matmul");
  EXPECT_EQ(first["m"], 10);
  EXPECT_EQ(first["n"], 100);
  EXPECT_EQ(first["k"], 1000);
  EXPECT_EQ(first["layout"], "nk");
  EXPECT_EQ(first["types"], "f32");
  EXPECT_EQ(first["epilogue"], "none");
  EXPECT_EQ(first["variant"], "tile6");
  EXPECT_EQ(first["provider"], "lathe");
  EXPECT_EQ(first["disposition"], "passed");
  EXPECT_EQ(first["error"]["max_rel"], 1e-6);
  EXPECT_EQ(first["ms"]["median"], 0.02);
  EXPECT_EQ(first["ms"]["p95"], 0.025);
  EXPECT_EQ(first["cpu_ms"]["median"], 0.04);
  EXPECT_EQ(first["ceiling"], "fma");
  EXPECT_EQ(first["share"], 0.5);
  EXPECT_EQ(first["chosen"], false);
  EXPECT_EQ(rows[8]["types"], "q8_0");
  EXPECT_EQ(rows[8]["epilogue"], "bias");
}

TEST(Json, WhatDidNotPassHasNoTime) {
  const auto rows = parsed()["rows"];
  for (const auto& row : rows) {
    EXPECT_EQ(row.contains("ms"), row["disposition"] == "passed");
    EXPECT_EQ(row.contains("gflops"), row["disposition"] == "passed");
    EXPECT_EQ(row["reason"] == "", row["disposition"] == "passed");
  }
}

TEST(Json, Notes) { EXPECT_EQ(parsed()["notes"][0], "a note"); }

TEST(Json, Summary) {
  const auto summary = parsed()["summary"];
  EXPECT_EQ(summary["compared"], 2);
  EXPECT_EQ(summary["won"], 1);
  EXPECT_EQ(summary["untaken"][0], "untaken");
  EXPECT_EQ(summary["groups"][0]["name"], "model");
}

TEST(Json, InvalidUtf8InANameIsReplaced) {
  Report report = fake_report();
  report.shapes[0].name = "bad \xff name";
  EXPECT_TRUE(nlohmann::json::accept(render_json(report, fake_context(), -1)));
}

// Elements that stand open, or the complaint about one that closes wrongly. Reads the skeleton of the page: what is
// inside style and script is text.
std::string unbalanced(const std::string& page) {
  std::vector<std::string> open;
  for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at)) {
    const size_t end = page.find('>', at);
    if (end == std::string::npos) return "a tag does not end";
    const std::string tag = page.substr(at + 1, end - at - 1);
    at = end;
    if (tag.empty() || tag[0] == '!' || tag.back() == '/') continue;
    const std::string name = tag.substr(tag[0] == '/', tag.find_first_of(" \n", 1) - (tag[0] == '/'));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != name) return "</" + name + "> closes nothing";
      open.pop_back();
    } else {
      open.push_back(name);
      if (name == "script" || name == "style") at = page.find("</" + name + ">", end);
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> stays open";
}

TEST(Html, EveryElementIsClosed) {
  EXPECT_EQ(unbalanced(render_html(fake_report(), fake_context())), "");
  EXPECT_NE(unbalanced("<p><b></p>"), "");  // the checker can tell
}

// The data are what render_json gives, and a name cannot end their element.
TEST(Html, HoldsTheData) {
  const std::string page = render_html(fake_report(), fake_context());
  const std::string mark = "id=\"data\">";
  const size_t begin = page.find(mark) + mark.size();
  const std::string data = page.substr(begin, page.find("</script>", begin) - begin);
  EXPECT_EQ(nlohmann::json::parse(data), parsed());
}

TEST(Html, NeedsNoNetwork) {
  const std::string page = render_html(fake_report(), fake_context());
  for (const char* word : {"src=", "<link", "url(", "@import", "fetch(", "https:", "import("})
    EXPECT_EQ(page.find(word), std::string::npos) << word;
}

// Every id that the script asks for stands in the page.
TEST(Html, ScriptAndPageAgreeOnIds) {
  const std::string page = render_html(fake_report(), fake_context());
  int asked = 0;
  for (size_t at = page.find("byId('"); at != std::string::npos; at = page.find("byId('", at + 1)) {
    const std::string id = page.substr(at + 6, page.find('\'', at + 6) - at - 6);
    EXPECT_NE(page.find("id=\"" + id + "\""), std::string::npos) << id;
    ++asked;
  }
  EXPECT_GT(asked, 10);
}

}  // namespace
}  // namespace lathe::probe
