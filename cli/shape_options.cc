#include "shape_options.h"

#include <fmt/format.h>

#include <charconv>

#include "platform/machine.h"
#include "tune/problem_text.h"

namespace lathe::cli {
namespace {

Status read_number(const char* name, const std::string& text, int64_t least, int64_t most, int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc() && end == text.data() + text.size() && out >= least && out <= most) return {};
  return invalid_argument(fmt::format("{} is '{}', needed: a whole number from {} to {}", name, text, least, most));
}

Status read_size(const char* name, const std::string& text, int64_t& out) {
  return read_number(name, text, 1, INT32_MAX, out);
}

Status read_type(const char* name, const std::string& text, matmul::Type& out) {
  if (text.empty()) return {};
  const auto type = tune::parse_type(text);
  if (!type) return invalid_argument(fmt::format("{}: {}", name, type.status().message()));
  out = *type;
  return {};
}

}  // namespace

void add_shape_options(CLI::App& command, ShapeOptions& options, bool required) {
  auto* sizes = command.add_option("sizes", options.sizes, "M N K: rows of A, columns of C, and what is summed over")
                    ->type_name("M N K")
                    ->expected(3);
  if (required) sizes->required();
  command.add_option("--w", options.w, "Weights: f32, bf16, f16, q8_0, q4_0, i8, or s8, u8 with integer activations")
      ->capture_default_str();
  command.add_option("--a", options.a, "Activations, where they are not what --w implies");
  command.add_option("--c", options.c, "Output, where it is not what --w implies");
  command.add_option("--order", options.layout, "nk: W is [N,K]; kn: W is [K,N]; tn, tnk: and A is [K,M]")
      ->capture_default_str();
  command.add_option("--epilogue", options.epilogue, "Steps joined by +: bias, gelu, silu, swiglu, residual, ...")
      ->capture_default_str();
  command.add_option("--batch", options.batch, "Independent products of this shape")->capture_default_str();
  command.add_flag("--unprepared", options.unprepared, "W changes with every call and is not packed beforehand");
}

Result<matmul::Problem> problem_of(const ShapeOptions& options) {
  matmul::Problem p;
  Status s = read_size("M", options.sizes[0], p.m);
  if (s.ok()) s = read_size("N", options.sizes[1], p.n);
  if (s.ok()) s = read_size("K", options.sizes[2], p.k);
  if (s.ok()) s = read_size("--batch", options.batch, p.batch);
  if (s.ok()) s = tune::parse_types(options.w, p);
  if (s.ok()) s = read_type("--a", options.a, p.a);
  if (s.ok()) s = read_type("--c", options.c, p.c);
  if (s.ok()) s = tune::parse_layout(options.layout, p);
  if (s.ok()) s = tune::parse_epilogue(options.epilogue, p);
  if (!s.ok()) return s;
  p.prepared = !options.unprepared;
  const auto bytes = tune::operand_bytes(p);
  if (!bytes) return bytes.status();
  if (const int64_t memory = this_machine().memory_total; bytes->total() > memory)
    return invalid_argument(fmt::format(
        "the operands of {} take {:.1f} GiB, needed: at most the {:.1f} GiB of memory "
        "there are",
        tune::problem_text(p), static_cast<double>(bytes->total()) / 0x1p30, static_cast<double>(memory) / 0x1p30));
  return p;
}

void add_run_options(CLI::App& command, RunOptions& options) {
  command.add_option("--threads", options.threads, "Threads; 0: what the machine recommends")->capture_default_str();
  command.add_option("--seed", options.seed, "Of the operands and the order of turns")->capture_default_str();
}

Result<RunNumbers> run_numbers(const RunOptions& options) {
  int64_t threads = 0, seed = 0;
  Status s = read_number("--threads", options.threads, 0, 1024, threads);
  if (s.ok()) s = read_number("--seed", options.seed, 0, INT64_MAX, seed);
  if (!s.ok()) return s;
  return RunNumbers{static_cast<int>(threads), static_cast<uint64_t>(seed)};
}

}  // namespace lathe::cli
