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

  // The next line. Ctrl-D in an empty one is the end.
  Result<Input> read(std::string& line, const char* prompt);
  // Ends a read in progress on another thread: what was typed is dropped, and it answers Input::interrupted. A signal
  // alone does not end it: one that came between two keys, before the next is waited for, would be missed.
  void interrupt() noexcept;

 private:
  struct State;
  explicit LineEditor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lathe::cli
