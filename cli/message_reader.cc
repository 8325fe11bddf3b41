#include "message_reader.h"

#include <string_view>

namespace lathe::cli {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";
constexpr const char *kPrompt = "> ", *kMorePrompt = ". ";

// The rest of a block of which `message` has what stood behind the quotes.
Result<Input> read_block(const NextLine& next, std::string& message) {
  std::string line;
  while (!message.ends_with(kQuotes)) {
    const auto got = next(line, kMorePrompt);
    if (!got || *got == Input::interrupted) return got;
    if (*got == Input::end) return Input::line;
    if (!message.empty()) message += '\n';
    message += line;
  }
  message.resize(message.size() - kQuotes.size());
  if (message.ends_with('\n')) message.pop_back();
  return Input::line;
}

}  // namespace

Result<Input> read_message(const NextLine& next, std::string& message) {
  message.clear();
  const auto first = next(message, kPrompt);
  if (!first || *first != Input::line) return first;
  if (message.starts_with(kQuotes)) {
    message.erase(0, kQuotes.size());
    return read_block(next, message);
  }
  std::string line;
  while (message.ends_with('\\')) {
    message.back() = '\n';
    const auto got = next(line, kMorePrompt);
    if (!got || *got == Input::interrupted) return got;
    if (*got == Input::end) break;
    message += line;
  }
  return Input::line;
}

}  // namespace lathe::cli
