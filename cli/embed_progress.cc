#include "embed_progress.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "platform/clock.h"

namespace lathe::cli {
namespace {

// A run shorter than the first shows nothing; the line changes no more often than the second.
constexpr int64_t kFirstNs = 500'000'000, kEveryNs = 100'000'000;

// 1234 -> "1234", 56789 -> "56.8k", 1234567 -> "1.23M"
std::string short_number(double x) {
  if (x < 10'000) return fmt::format("{:.0f}", x);
  return x < 1e6 ? fmt::format("{:.1f}k", x / 1e3) : fmt::format("{:.2f}M", x / 1e6);
}

}  // namespace

EmbedProgress::EmbedProgress(int64_t total, bool quiet)
    : total_(total), shows_(!quiet && progress_.on_terminal()), began_ns_(now_ns()) {}

// Texts come in batches: what is shown is how it stood behind the last one of the batch before.
void EmbedProgress::add(int64_t tokens, int64_t done) {
  const int64_t now = shows_ ? now_ns() : 0;
  if (texts_ > 0 && now - began_ns_ >= kFirstNs && now - shown_ns_ >= kEveryNs) show(now);
  ++texts_;
  tokens_ += tokens;
  last_ns_ = now;
  done_ = done;
}

void EmbedProgress::show(int64_t now) {
  shown_ns_ = now;
  const double seconds = static_cast<double>(last_ns_ - began_ns_) * 1e-9;
  const std::string rates =
      fmt::format("{} texts, {} texts/s, {} tokens/s", texts_, short_number(static_cast<double>(texts_) / seconds),
                  short_number(static_cast<double>(tokens_) / seconds));
  progress_.show_share(done_, total_, rates);
}

void EmbedProgress::finish() {
  progress_.clear();
  if (shown_ns_ == 0) return;
  const double seconds = static_cast<double>(now_ns() - began_ns_) * 1e-9;
  std::fprintf(stderr, "%s\n",
               fmt::format("{} texts, {} tokens in {:.1f} s: {} texts/s, {} tokens/s", texts_, tokens_, seconds,
                           short_number(static_cast<double>(texts_) / seconds),
                           short_number(static_cast<double>(tokens_) / seconds))
                   .c_str());
}

}  // namespace lathe::cli
