#include "bench_generate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

// The columns of llama-bench, then the median and the share of the ceiling that binds.
constexpr const char* kColumns[] = {"model", "size",           "params", "type",   "kv",     "threads",
                                    "test",  "tokens/s, mean", "+/-",    "median", "ceiling"};

// A row's values as a table shows them, in the order of kColumns.
std::vector<std::string> cells(const GenerateBenchReport& r, const run::GenerateReport& t) {
  return {std::filesystem::path(r.model).filename().string(),
          fmt::format("{:.1f} MiB", mib(r.weight_bytes)),
          fmt::format("{:.1f} M", static_cast<double>(r.parameters) / 1e6),
          r.dtype,
          r.kv,
          std::to_string(r.threads),
          t.test.name(),
          fmt::format("{:.2f}", t.mean),
          fmt::format("{:.2f}", t.deviation),
          fmt::format("{:.2f}", t.median),
          fmt::format("{:.0f} %", 100 * r.share_of(t))};
}

void print_tests(const GenerateBenchReport& r, TextOut out) {
  fmt::format_to(out, "\n{:<12}{:>10}{:>9}{:>10}{:>10}{:>10}{:>10}{:>9}{:>10}{:>9}{:>8}\n", "test", "tokens/s", "+/-",
                 "median", "pass P50", "P95 ms", "P99", "GFLOP/s", "GB/s", "ceiling", "CPU/wt");
  for (const run::GenerateReport& t : r.tests)
    fmt::format_to(out,
                   "{:<12}{:>10.2f}{:>9.2f}{:>10.2f}{:>10.2f}{:>10.2f}{:>10.2f}{:>9.1f}{:>10.1f}{:>8.0f}%{:>8.2f}\n",
                   t.test.name(), t.mean, t.deviation, t.median, t.step_ms.p50, t.step_ms.p95, t.step_ms.p99, t.gflops,
                   t.weight_gbps, 100 * r.share_of(t), t.cpu_share);
  fmt::format_to(out, "{}",
                 "GB/s: weights that answers read. ceiling: the larger of the shares of what this machine reads and of "
                 "its multiply-adds.\nCPU/wt: CPU time over wall time times threads.\n");
}

Json test_json(const GenerateBenchReport& r, const run::GenerateReport& t) {
  Json row = {{"test", t.test.name()},
              {"tokens", t.test.tokens},
              {"texts", t.test.texts},
              {"tokens_per_s", {{"mean", t.mean}, {"deviation", t.deviation}, {"median", t.median}}},
              {"runs", t.tokens_per_s},
              {"step_ms", quantiles_json(t.step_ms)},
              {"cpu_share", t.cpu_share},
              {"gflops", t.gflops},
              {"products_gflops", t.product_gflops()},
              {"weight_gbps", t.weight_gbps},
              {"ceiling_share", r.share_of(t)}};
  add_profile_json(t, row);
  return row;
}

std::string joined(const std::vector<std::string>& cells, const char* between) {
  return fmt::format("{}", fmt::join(cells, between));
}

}  // namespace

double GenerateBenchReport::share_of(const run::GenerateReport& t) const {
  return ceilings ? std::max(share(t.gflops), t.weight_gbps / ceilings->read.giga) : 0;
}

std::string report_text(const GenerateBenchReport& r) {
  std::string text;
  const TextOut out(text);
  print_head(r, "token", out);
  fmt::format_to(out, "{:.1f} M parameters, {:.1f} MiB of weights in products, keys and values {}\n",
                 static_cast<double>(r.parameters) / 1e6, mib(r.weight_bytes), r.kv);
  if (!r.tests.empty()) {
    print_tests(r, out);
    for (const run::GenerateReport& t : r.tests) {
      fmt::format_to(out, "\n{}: ", t.test.name());
      print_profile(t, "sessions, choosing tokens", out);
    }
    fmt::format_to(out, "\n");
  }
  if (!r.sweep.empty()) print_sweep(r, out);
  if (r.cancel)
    fmt::format_to(out,
                   "\ncancelled {} times in a prompt of {} tokens ({:.0f} ms): left after {:.1f} ms, {:.1f} at most\n",
                   r.cancel->tries, r.cancel->prompt, r.cancel->run_ms, r.cancel->median_ms, r.cancel->worst_ms);
  if (r.soak) print_soak(r, "tokens", out);
  return text;
}

std::string report_markdown(const GenerateBenchReport& r) {
  std::string text = fmt::format("| {} |\n|", fmt::join(kColumns, " | "));
  for (size_t i = 0; i < std::size(kColumns); ++i) text += "---|";
  for (const run::GenerateReport& t : r.tests) text += "\n| " + joined(cells(r, t), " | ") + " |";
  return text + "\n";
}

std::string report_csv(const GenerateBenchReport& r) {
  std::string text =
      "model,weight_bytes,parameters,type,kv,threads,test,tokens_per_s_mean,tokens_per_s_deviation,tokens_per_s_median,"
      "ceiling_share\n";
  for (const run::GenerateReport& t : r.tests) {
    std::string name = r.model;  // quotes within are doubled
    for (size_t at = 0; (at = name.find('"', at)) != std::string::npos; at += 2) name.insert(at, 1, '"');
    text += fmt::format("\"{}\",{},{},{},{},{},{},{:.4f},{:.4f},{:.4f},{:.4f}\n", name, r.weight_bytes, r.parameters,
                        r.dtype, r.kv, r.threads, t.test.name(), t.mean, t.deviation, t.median, r.share_of(t));
  }
  return text;
}

std::string report_json(const GenerateBenchReport& r) {
  Json json = head_json(r, "lathe-bench-generate");
  json["kv"] = r.kv;
  json["parameters"] = r.parameters;
  json["weight_bytes"] = r.weight_bytes;
  json["context"] = r.context;
  json["prompt_tokens"] = r.prompt_tokens;
  json["tests"] = Json::array();
  for (const run::GenerateReport& t : r.tests) json["tests"].push_back(test_json(r, t));
  if (r.cancel)
    json["cancel"] = {{"prompt", r.cancel->prompt},
                      {"run_ms", r.cancel->run_ms},
                      {"tries", r.cancel->tries},
                      {"median_ms", r.cancel->median_ms},
                      {"worst_ms", r.cancel->worst_ms}};
  add_tail_json(r, "tokens", json);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lathe::cli
