#include "probe/presets.h"

#include <fmt/format.h>

#include <array>
#include <initializer_list>

#include "tune/problem_text.h"

namespace lathe::probe {
namespace {

using matmul::Order;
using matmul::Problem;
using matmul::Type;
using Shapes = std::vector<Shape>;

// N by K of a weight, and what it is.
struct Linear {
  std::string_view role;
  int64_t n, k;
  std::string_view epilogue = "none";
  int64_t count = 1;  // in one forward pass
};

Problem linear(int64_t m, const Linear& l, Type type = Type::f32) {
  Problem p;
  p.m = m;
  p.n = l.n;
  p.k = l.k;
  p.w = type;
  (void)tune::parse_epilogue(l.epilogue, p);
  return p;
}

// Both operands are activations: W changes with every call.
Problem activations(int64_t m, int64_t n, int64_t k, Order order, int64_t batch = 1) {
  Problem p;
  p.m = m;
  p.n = n;
  p.k = k;
  p.order = order;
  p.prepared = false;
  p.batch = batch;
  return p;
}

void add(Shapes& out, std::string_view group, std::string_view source, std::string name, const Problem& problem,
         int64_t count = 1) {
  if (problem.w != Type::f32) name += fmt::format(" {}", matmul::type_name(problem.w));
  out.push_back({std::move(name), problem, count, std::string(source), std::string(group)});
}

// Snowflake Arctic-embed-l-v2.0: 24 layers of 1024, 16 heads of 64, FFN 4096.
void arctic(Shapes& out) {
  constexpr std::string_view kSource = "arctic-embed-l-v2.0";
  for (const int64_t s : {1, 7, 16, 17, 33, 73, 80, 128, 512}) {
    for (const Linear& l : {Linear{"qkv", 1024, 1024, "none", 96}, Linear{"ffn up", 4096, 1024, "none", 24},
                            Linear{"ffn down", 1024, 4096, "none", 24}})
      add(out, kSource, kSource, fmt::format("{} S={}", l.role, s), linear(s, l), l.count);
    add(out, kSource, kSource, fmt::format("scores S={}", s), activations(s, s, 64, Order::nk, 16), 24);
    add(out, kSource, kSource, fmt::format("attention*V S={}", s), activations(s, 64, s, Order::kn, 16), 24);
  }
}

// One decoded token: every weight is read once.
void qwen(Shapes& out) {
  constexpr std::string_view kSource = "Qwen2.5-0.5B";
  for (const Linear& l : {Linear{"gate+up", 9728, 896, "none", 24}, Linear{"down", 896, 4864, "none", 24},
                          Linear{"attention out", 896, 896, "none", 24}, Linear{"qkv", 1152, 896, "bias", 24},
                          Linear{"logits", 151936, 896}})
    for (const Type type : {Type::f32, Type::f16, Type::q8_0})
      add(out, kSource, kSource, fmt::format("{} m=1", l.role), linear(1, l, type), l.count);
}

void gemma(Shapes& out) {
  constexpr std::string_view kSource = "EmbeddingGemma-300M";
  for (const int64_t s : {11, 64})
    for (const Linear& l : {Linear{"q, out", 768, 768, "none", 48}, Linear{"k, v", 256, 768, "none", 48},
                            Linear{"gate, up", 1152, 768, "none", 48}, Linear{"down", 768, 1152, "none", 24}})
      for (const Type type : {Type::f32, Type::q8_0})
        add(out, kSource, kSource, fmt::format("{} S={}", l.role, s), linear(s, l, type), l.count);
}

void minilm(Shapes& out) {
  constexpr std::string_view kSource = "MiniLM-L6-v2";
  for (const int64_t s : {9, 16, 128, 400})
    for (const Linear& l : {Linear{"q, k, v, out", 384, 384, "none", 24}, Linear{"ffn up", 1536, 384, "bias+gelu", 6},
                            Linear{"ffn down", 384, 1536, "none", 6}})
      add(out, kSource, kSource, fmt::format("{} S={}", l.role, s), linear(s, l), l.count);
}

// Training at 256 rows: y = x W^T, dW = dY^T X and dx = dY W, with W [N,K] as it lies.
void stories(Shapes& out) {
  constexpr int64_t kRows = 256;
  struct Layer {
    std::string_view source;
    int64_t n, k;
  };
  for (const Layer& l :
       {Layer{"stories15M", 288, 288}, Layer{"stories15M", 768, 288}, Layer{"stories110M", 768, 768},
        Layer{"stories110M", 2048, 768}, Layer{"stories110M", 768, 2048}, Layer{"stories110M", 32000, 768}}) {
    const std::string size = fmt::format("{}x{}", l.n, l.k);
    add(out, "stories", l.source, "forward " + size, linear(kRows, {"", l.n, l.k}));
    Problem dw = activations(l.n, l.k, kRows, Order::kn);
    dw.a_transposed = true;
    add(out, "stories", l.source, "dW " + size, dw);
    add(out, "stories", l.source, "dx " + size, activations(kRows, l.k, l.n, Order::kn));
  }
}

void squares(Shapes& out) {
  for (const int64_t s : {32, 48, 64, 256, 512, 1024, 2048})
    add(out, "squares", "squares", fmt::format("{}^3", s), linear(s, {"", s, s}));
}

// The same products in q8_0 and f32, for the ratio of the two.
void int8(Shapes& out) {
  for (const int64_t m : {64, 128, 512})
    for (const int64_t n : {1024, 4096})
      for (const Type type : {Type::f32, Type::q8_0})
        add(out, "int8", "int8", fmt::format("{}x{}x1024", m, n), linear(m, {"", n, 1024}, type));
}

// Every M: one row more must never fall off a fast path.
void sweep(Shapes& out) {
  for (int64_t m = 1; m <= 130; ++m) add(out, "sweep", "sweep", fmt::format("M={}", m), linear(m, {"", 1024, 1024}));
}

// One of each kind: a minute where "models" takes ten.
void quick(Shapes& out) {
  const auto one = [&](std::string_view source, std::string name, const Problem& p) {
    add(out, "quick", source, std::move(name), p);
  };
  one("arctic-embed-l-v2.0", "arctic qkv S=1", linear(1, {"", 1024, 1024}));
  one("arctic-embed-l-v2.0", "arctic qkv S=7", linear(7, {"", 1024, 1024}));
  one("arctic-embed-l-v2.0", "arctic qkv S=17", linear(17, {"", 1024, 1024}));
  one("arctic-embed-l-v2.0", "arctic ffn up S=73", linear(73, {"", 4096, 1024}));
  one("arctic-embed-l-v2.0", "arctic scores S=73", activations(73, 73, 64, Order::nk, 16));
  one("arctic-embed-l-v2.0", "arctic attention*V S=73", activations(73, 64, 73, Order::kn, 16));
  one("Qwen2.5-0.5B", "qwen gate+up m=1", linear(1, {"", 9728, 896}));
  one("Qwen2.5-0.5B", "qwen gate+up m=1", linear(1, {"", 9728, 896}, Type::q8_0));
  one("EmbeddingGemma-300M", "gemma q, out S=64", linear(64, {"", 768, 768}, Type::q8_0));
  one("MiniLM-L6-v2", "minilm ffn up S=128", linear(128, {"", 1536, 384, "bias+gelu"}));
  Problem dw = activations(768, 768, 256, Order::kn);
  dw.a_transposed = true;
  one("stories110M", "stories dW 768x768", dw);
  one("squares", "square 512^3", linear(512, {"", 512, 512}));
}

struct Family {
  Preset preset;
  void (*shapes)(Shapes&);
  bool in_models;
};
constexpr std::array kFamilies = {
    Family{{"arctic", "arctic-embed-l-v2.0, 1 to 512 tokens: linear layers and attention"}, arctic, true},
    Family{{"qwen", "Qwen2.5-0.5B, one decoded token, f32, f16 and q8_0"}, qwen, true},
    Family{{"gemma", "EmbeddingGemma-300M, 11 and 64 tokens, f32 and q8_0"}, gemma, true},
    Family{{"minilm", "MiniLM-L6-v2, 9 to 400 tokens, bias and GELU fused"}, minilm, true},
    Family{{"stories", "stories15M and stories110M, one training step at 256 rows"}, stories, true},
    Family{{"squares", "M = N = K from 32 to 2048"}, squares, true},
    Family{{"int8", "q8_0 beside f32 at 64, 128 and 512 rows"}, int8, true},
    Family{{"sweep", "every M from 1 to 130 at 1024x1024"}, sweep, true},
    Family{{"quick", "a dozen shapes, one of each kind"}, quick, false},
};

constexpr auto kPresets = [] {
  std::array<Preset, kFamilies.size() + 1> all{};
  all[0] = {"models", "all of the groups below but quick"};
  for (size_t i = 0; i < kFamilies.size(); ++i) all[i + 1] = kFamilies[i].preset;
  return all;
}();

}  // namespace

std::span<const Preset> presets() { return kPresets; }

Result<std::vector<Shape>> preset(std::string_view name) {
  Shapes shapes;
  for (const Family& family : kFamilies)
    if (name == family.preset.name || (name == "models" && family.in_models)) family.shapes(shapes);
  if (!shapes.empty()) return shapes;
  std::string known;
  for (const Preset& p : kPresets) known += (known.empty() ? "" : ", ") + std::string(p.name);
  return invalid_argument(fmt::format("preset is \"{}\", needed: one of {}", name, known));
}

}  // namespace lathe::probe
