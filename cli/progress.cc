#include "progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "platform/clock.h"

namespace lathe::cli {
namespace {

constexpr int kBar = 24;  // characters

size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// What is left, if the rest goes as fast as what is done.
std::string remaining(int64_t done, int64_t total, int64_t elapsed_ns) {
  if (done <= 0) return "";
  const auto seconds = static_cast<int64_t>(static_cast<double>(elapsed_ns) * 1e-9 * static_cast<double>(total - done) /
                                            static_cast<double>(done));
  return fmt::format(", {}:{:02} left", seconds / 60, seconds % 60);
}

}  // namespace

Progress::Progress() : terminal_(::isatty(STDERR_FILENO) == 1), began_ns_(now_ns()) {}

void Progress::clear() {
  if (terminal_) std::fputs("\r\033[K", stderr);
}

void Progress::draw(int64_t done, int64_t total, std::string_view counts, std::string_view what) {
  const auto share = static_cast<double>(done) / static_cast<double>(total);
  const auto filled = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * kBar);
  std::string line =
      fmt::format("[{}{}] {}  {}", std::string(filled, '#'), std::string(kBar - filled, '.'), counts, what);
  line.resize(std::min(line.size(), terminal_columns() - 1));
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
}

void Progress::show(int64_t done, int64_t total, std::string_view what) {
  if (!terminal_ || total <= 0) return;
  draw(done, total, fmt::format("{}/{}{}", done, total, remaining(done, total, now_ns() - began_ns_)), what);
}

void Progress::show_bytes(int64_t done, int64_t total, std::string_view what) {
  if (!terminal_ || total <= 0) return;
  const int64_t now = now_ns();
  if (first_done_ < 0) {
    first_done_ = done;
    began_ns_ = now;
  }
  if (done < total && now - drawn_ns_ < 100'000'000) return;
  drawn_ns_ = now;
  const int64_t came = done - first_done_, elapsed = now - began_ns_;
  const auto mb = [](int64_t bytes) { return static_cast<double>(bytes) * 1e-6; };
  const double rate = elapsed > 0 ? mb(came) / (static_cast<double>(elapsed) * 1e-9) : 0.0;
  draw(done, total,
       fmt::format("{:.1f}/{:.1f} MB, {:.1f} MB/s{}", mb(done), mb(total), rate,
                   remaining(came, total - first_done_, elapsed)),
       what);
}

}  // namespace lathe::cli
