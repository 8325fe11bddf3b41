// The texts of a command: arguments, or a file of lines or JSON lines, in windows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lathe/status.h"
#include "line_reader.h"

namespace lathe::cli {

struct SourceText {
  std::string text;
  std::string id;    // as JSON, from the input; empty where it has none
  int64_t line = 0;  // from 1; 0 for arguments
  int64_t done = 0;  // bytes of the file up to its end, or arguments
  Status status;     // why there is no text
};

struct TextSourceOptions {
  std::vector<std::string> texts;  // arguments
  std::string file;                // else this one; empty or "-": standard input
  std::string format;              // lines or jsonl; empty: by the file's name
  std::string field = "text";      // of JSON lines
};

class TextSource {
 public:
  // A window is closed behind so many texts or bytes, or where the next line would have to be waited for.
  static constexpr size_t kTexts = 4096;
  static constexpr size_t kBytes = size_t{4} << 20;

  static Result<TextSource> open(const TextSourceOptions& options);
  TextSource(TextSource&& other) noexcept;
  TextSource& operator=(TextSource&&) = delete;
  ~TextSource();

  // Replaces what is in `window`; empty behind the last text.
  Status next(std::vector<SourceText>& window);

  int64_t total() const { return total_; }  // of SourceText::done; 0: unknown
  bool waits_for_terminal() const;

 private:
  TextSource() = default;
  Status next_lines(std::vector<SourceText>& window);
  Result<bool> next_line(SourceText& item);

  std::vector<std::string> arguments_;
  std::unique_ptr<LineReader> lines_;
  int fd_ = -1;
  int64_t total_ = 0, line_ = 0;
  bool jsonl_ = false;
  std::string field_;
};

}  // namespace lathe::cli
