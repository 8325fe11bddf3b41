#include "embed_run.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace lathe::cli {
namespace {

// Where a user finds the text: its line, or its place among the arguments.
std::string place(const SourceText& text, int64_t index) {
  return text.line > 0 ? fmt::format("line {}", text.line) : fmt::format("text {}", index + 1);
}

}  // namespace

Status EmbedRun::run() {
  if (Status status = writer_.begin(); !status.ok()) return status;
  for (std::vector<SourceText> window;;) {
    if (Status status = source_.next(window); !status.ok()) return status;
    if (window.empty()) break;
    if (Status status = embed(window); !status.ok()) return status;
  }
  if (Status status = writer_.finish(); !status.ok()) return status;
  progress_.finish();
  if (failures_ == 0) return {};
  constexpr const char* kBecame[] = {"their lines say why", "they are left out", "their rows are zero", ""};
  return failed(fmt::format("{} of {} texts could not be embedded; {}", failures_, index_,
                            kBecame[static_cast<size_t>(options_.on_error)]));
}

Status EmbedRun::embed(const std::vector<SourceText>& window) {
  views_.clear();
  places_.clear();
  for (size_t i = 0; i < window.size(); ++i) {
    if (!window[i].status.ok()) continue;
    views_.push_back(window[i].text);
    places_.push_back(i);
  }
  size_t next = 0;  // in the window: what failed before it got to the embedder comes out in its place
  const auto fail_up_to = [&](size_t end) {
    for (; next < end; ++next)
      if (Status status = fail(window[next], window[next].status); !status.ok()) return status;
    return Status();
  };
  const Status status = embedder_.embed(views_, [&](const run::Embedding& e) {
    const size_t at = places_[static_cast<size_t>(e.index)];
    if (Status before = fail_up_to(at); !before.ok()) return before;
    ++next;
    return take(window[at], e);
  });
  if (!status.ok()) return status;
  if (Status behind = fail_up_to(window.size()); !behind.ok()) return behind;
  return writer_.flush();
}

Status EmbedRun::take(const SourceText& text, const run::Embedding& embedding) {
  if (!embedding.status.ok()) return fail(text, embedding.status);
  if (embedding.truncated)
    warn(text, fmt::format("truncated from {} tokens to {}", embedding.tokens, embedder_.max_tokens()));
  progress_.add(embedding.tokens, text.done);
  return writer_.write(text, index_++, embedding);
}

Status EmbedRun::fail(const SourceText& text, const Status& status) {
  if (options_.on_error == OnError::stop) {
    if (Status flushed = writer_.flush(); !flushed.ok()) return flushed;
    return failed(place(text, index_) + ": " + status.message());
  }
  ++failures_;
  warn(text, status.message());
  progress_.add(0, text.done);
  const int64_t index = index_++;
  if (options_.on_error == OnError::report) return writer_.write_error(text, index, status.message());
  return options_.on_error == OnError::zero ? writer_.write_zeros() : Status();
}

void EmbedRun::warn(const SourceText& text, const std::string& what) {
  if (options_.quiet) return;
  progress_.clear();
  spdlog::warn("{}: {}", place(text, index_), what);
}

}  // namespace lathe::cli
