// One run of lathe embed: texts from a source through an embedder to a writer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "embed_progress.h"
#include "lathe/status.h"
#include "run/embedder.h"
#include "text_source.h"
#include "vector_writer.h"

namespace lathe::cli {

// What a text without a vector becomes.
enum class OnError : uint8_t {
  report,  // a line that says why
  skip,    // nothing
  zero,    // a row of zeros
  stop,    // the end of the run
};

class EmbedRun {
 public:
  struct Options {
    OnError on_error = OnError::report;
    bool quiet = false;  // no progress, and no warning for each text
  };
  EmbedRun(run::Embedder& embedder, TextSource& source, VectorWriter& writer, Options options)
      : embedder_(embedder),
        source_(source),
        writer_(writer),
        options_(options),
        progress_(source.total(), options.quiet) {}

  // An error at the end where a text failed: the others are written.
  Status run();

 private:
  Status embed(const std::vector<SourceText>& window);
  Status take(const SourceText& text, const run::Embedding& embedding);
  Status fail(const SourceText& text, const Status& status);
  void warn(const SourceText& text, const std::string& what);

  run::Embedder& embedder_;
  TextSource& source_;
  VectorWriter& writer_;
  const Options options_;
  EmbedProgress progress_;
  int64_t index_ = 0, failures_ = 0;
  std::vector<std::string_view> views_;
  std::vector<size_t> places_;  // in the window, of each view
};

}  // namespace lathe::cli
