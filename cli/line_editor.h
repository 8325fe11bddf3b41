// Lines that a person types at a terminal, with editing and what was typed before (libedit).
#pragma once

#include <memory>
#include <string>

#include "message_reader.h"

namespace lathe::cli {

class LineEditor {
 public:
  // An error where standard input or output is no terminal that can be used so.
  static Result<LineEditor> open();
  LineEditor(LineEditor&&) noexcept;
  LineEditor& operator=(LineEditor&&) = delete;
  ~LineEditor();

  // The next line. Ctrl-D in an empty one is the end; Ctrl-C drops what was typed, where SIGINT does not end the
  // program.
  Result<Input> read(std::string& line, const char* prompt);

 private:
  struct State;
  explicit LineEditor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lathe::cli
