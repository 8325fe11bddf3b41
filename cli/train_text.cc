#include "train_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lathe::cli {
namespace {

using Kind = run::TrainEvent::Kind;

std::string mib(int64_t bytes) {
  const double mb = static_cast<double>(bytes) / (1 << 20);
  return mb < 10'000 ? fmt::format("{:.0f} MiB", mb) : fmt::format("{:.1f} GiB", mb / 1024);
}

// One line whatever it holds.
std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return line;
}

// A terminal is told nothing but text: control characters other than line feeds and tabs become blanks.
std::string shown_text(const std::string& text) {
  std::string safe;
  for (const char c : text)
    safe += (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? ' ' : c;
  return safe;
}

std::string step_line(const run::TrainEvent& e, int64_t steps) {
  std::string line =
      fmt::format("step {}/{}  loss {:.4f}  smoothed {:.4f}  lr {:.3g}  norm {:.3g}  {} tokens/s", e.step, steps,
                  e.loss, e.smoothed, e.rate, e.gradient_norm, count_text(e.tokens_per_second()));
  if (e.flop_rate() > 0) line += fmt::format("  {} FLOP/s", count_text(e.flop_rate()));
  if (e.ceiling > 0) line += fmt::format(" ({:.0f} % of the ceiling)", 100 * e.flop_rate() / e.ceiling);
  return line + fmt::format("  epoch {:.2f}\n", e.epoch);
}

}  // namespace

std::string count_text(double x) {
  if (x < 10'000) return fmt::format("{:.0f}", x);
  if (x < 1e6) return fmt::format("{:.1f}k", x / 1e3);
  return x < 1e9 ? fmt::format("{:.2f}M", x / 1e6) : fmt::format("{:.2f}G", x / 1e9);
}

std::string duration_text(double seconds) {
  const auto s = static_cast<int64_t>(std::max(0.0, seconds));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string plan_text(const run::TrainPlan& p, const std::string& folder) {
  const auto& c = p.config;
  const auto& s = p.settings;
  const int64_t step_tokens = s.batch * s.context * s.accum, left = s.steps - p.state.step;
  std::string text = fmt::format("model      {}: {} layers, width {}, {} heads, vocabulary {}; {} parameters\n",
                                 models::family_name(c.family), c.layers, c.width, c.heads, c.vocabulary,
                                 count_text(static_cast<double>(p.parameters)));
  text += fmt::format("data       {} tokens to train on, {} windows an epoch; {} tokens to validate\n",
                      count_text(static_cast<double>(p.train_tokens)), p.per_epoch,
                      count_text(static_cast<double>(p.validation_tokens)));
  text += fmt::format("steps      {}, of {} x {} x {} = {} tokens each: {} tokens, {:.2f} epochs\n", left, s.accum,
                      s.batch, s.context, step_tokens, count_text(static_cast<double>(left * step_tokens)),
                      static_cast<double>(left * s.batch * s.accum) / static_cast<double>(p.per_epoch));
  if (p.memory.total() > 0)
    text +=
        fmt::format("memory     {}: weights {}, gradients {}, moments {}, activations {}, logits {}, workspace {}\n",
                    mib(p.memory.total()), mib(p.memory.weights), mib(p.memory.gradients), mib(p.memory.moments),
                    mib(p.memory.activations), mib(p.memory.logits), mib(p.memory.workspace));
  if (p.ranks > 1) text += fmt::format("ranks      {}, which share the {} passes of a step\n", p.ranks, s.accum);
  text += fmt::format("threads    {}{}", p.threads, p.ranks > 1 ? " each" : "");
  if (p.ceiling > 0) text += fmt::format(", which can do {:.1f} GFLOP/s", p.ceiling * 1e-9);
  text += fmt::format("\nrun        {}", folder);
  if (!p.init.empty()) text += fmt::format(", beginning with {}", p.init);
  if (!p.resumed.empty()) text += fmt::format(", from {} at step {}", p.resumed, p.state.step);
  return text + "\n";
}

std::string event_line(const run::TrainEvent& e, int64_t steps) {
  switch (e.kind) {
    case Kind::step:
      return step_line(e, steps);
    case Kind::evaluation:
      return fmt::format(
          "step {}/{}  validation loss {:.4f}  {}{}\n", e.step, steps, e.loss,
          e.recall >= 0 ? fmt::format("recall@1 {:.1f} %", 100 * e.recall) : fmt::format("smoothed {:.4f}", e.smoothed),
          e.best ? "  best so far" : "");
    case Kind::checkpoint:
      return fmt::format("step {}/{}  saved {} in {:.2f} s{}\n", e.step, steps, e.text, e.seconds,
                         e.best ? "  (best)" : "");
    case Kind::sample:
      return fmt::format("step {}/{}  sample:\n{}\n", e.step, steps, shown_text(e.text));
    case Kind::warning:
      return fmt::format("step {}/{}  warning: {}\n", e.step, steps, one_line(e.text));
  }
  return "";
}

std::vector<std::string> curve(const std::vector<double>& values, size_t columns, size_t rows) {
  static constexpr const char* kBlocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::vector<std::string> lines(rows);
  const size_t used = std::min(columns, values.size());
  if (used == 0) return lines;
  std::vector<double> heights;
  for (size_t i = 0; i < used; ++i) {
    const size_t begin = i * values.size() / used, end = std::max(begin + 1, (i + 1) * values.size() / used);
    double sum = 0;
    for (size_t j = begin; j < end; ++j) sum += values[j];
    heights.push_back(sum / static_cast<double>(end - begin));
  }
  const auto [low, high] = std::ranges::minmax(heights);
  const double range = high > low ? high - low : 1;
  for (const double height : heights) {
    // The least value still has an eighth of a character.
    const auto eighths =
        1 + static_cast<int64_t>(std::lround((height - low) / range * static_cast<double>(8 * rows - 1)));
    for (size_t r = 0; r < rows; ++r) {
      const int64_t above = eighths - static_cast<int64_t>(8 * (rows - 1 - r));
      lines[r] += kBlocks[std::clamp<int64_t>(above, 0, 8)];
    }
  }
  return lines;
}

}  // namespace lathe::cli
