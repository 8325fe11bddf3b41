#include "train_display.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "platform/clock.h"
#include "train_text.h"

namespace lathe::cli {
namespace {

using Kind = run::TrainEvent::Kind;

constexpr int64_t kEveryNs = 100'000'000;
constexpr size_t kCurveRows = 5, kMostCurve = 100, kBar = 16;
constexpr size_t kMostLosses = 4096;  // then every second one goes

size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

}  // namespace

TrainDisplay::TrainDisplay(int64_t first, int64_t steps, int64_t every, bool quiet)
    : first_(first),
      steps_(steps),
      every_(every > 0 ? every : std::max<int64_t>(1, (steps - first) / 20)),
      quiet_(quiet),
      live_(!quiet && ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1),
      began_ns_(now_ns()) {}

TrainDisplay::~TrainDisplay() { clear(); }

void TrainDisplay::clear() {
  if (drawn_lines_ == 0) return;
  std::fprintf(stderr, "\r\033[%zuA\033[J", drawn_lines_);
  std::fflush(stderr);
  drawn_lines_ = 0;
}

void TrainDisplay::print(const std::string& line) {
  clear();
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

void TrainDisplay::add(const run::TrainEvent& event) {
  if (event.kind == Kind::step) {
    last_ = event;
    losses_.push_back(event.loss);
    if (losses_.size() > kMostLosses) {
      for (size_t i = 0; 2 * i < losses_.size(); ++i) losses_[i] = losses_[2 * i];
      losses_.resize((losses_.size() + 1) / 2);
    }
    changed_ = true;
    if (live_) return idle();
    if (event.step % every_ != 0 && event.step != steps_ && event.step != first_ + 1) return;
  }
  if (event.kind == Kind::evaluation) validation_ = event.loss;
  if (event.kind == Kind::warning) {  // said even where all else is quiet
    clear();
    std::fprintf(stderr, "lathe: %s", event_line(event, steps_).c_str());
    return;
  }
  if (!quiet_) print(event_line(event, steps_));
}

void TrainDisplay::idle() {
  if (!live_ || !changed_ || now_ns() - drawn_ns_ < kEveryNs) return;
  draw();
}

std::string TrainDisplay::figures() const {
  const auto done = static_cast<double>(last_.step - first_), all = static_cast<double>(steps_ - first_);
  const double elapsed = static_cast<double>(now_ns() - began_ns_) * 1e-9;
  const auto filled = static_cast<size_t>(static_cast<double>(kBar) * std::clamp(done / all, 0.0, 1.0));
  std::string line =
      fmt::format("[{}{}] {}/{}  {} left  loss {:.4f}", std::string(filled, '#'), std::string(kBar - filled, '.'),
                  last_.step, steps_, done > 0 ? duration_text(elapsed * (all - done) / done) : "?", last_.smoothed);
  if (validation_ > 0) line += fmt::format("  validation {:.4f}", validation_);
  return line + fmt::format("  {} tokens/s", count_text(last_.tokens_per_second()));
}

void TrainDisplay::draw() {
  changed_ = false;
  drawn_ns_ = now_ns();
  clear();
  const size_t columns = terminal_columns() - 1;
  const auto [low, high] = std::ranges::minmax(losses_);
  std::string out;
  const auto rows = curve(losses_, std::min(kMostCurve, columns - 9), kCurveRows);
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::string label = r == 0                 ? fmt::format("{:7.3f} ", high)
                              : r + 1 == rows.size() ? fmt::format("{:7.3f} ", low)
                                                     : std::string(8, ' ');
    out += label + rows[r] + '\n';
  }
  out += figures().substr(0, columns) + '\n';
  std::fputs(out.c_str(), stderr);
  std::fflush(stderr);
  drawn_lines_ = rows.size() + 1;
}

}  // namespace lathe::cli
