#include "chat_session.h"

#include <fmt/format.h>

#include <cstdio>
#include <limits>
#include <optional>
#include <utility>

#include "answer_interrupt.h"
#include "base/atomic_file.h"
#include "base/shown.h"
#include "complain.h"
#include "token_timing.h"

namespace lathe::cli {
namespace {

constexpr int64_t kLargestSaved = int64_t{64} << 20;  // bytes
constexpr const char* kBegin = "; /clear begins anew";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

struct ChatSession::Answer {
  std::vector<int32_t> tokens;  // without the one that ended it
  std::string text;
  run::Finish finish = run::Finish::none;
  Status status;
};

struct ChatSession::CommandRow {
  std::string_view name, argument, what;
  Status (ChatSession::*run)(const std::string& argument);
};

const ChatSession::CommandRow ChatSession::kCommands[] = {
    {"help", "", "this list", &ChatSession::help},
    {"clear", "", "begin a new conversation", &ChatSession::clear},
    {"reset", "", "the same", &ChatSession::clear},
    {"system", "TEXT", "what the model is told before all messages; - for nothing", &ChatSession::system},
    {"regen", "", "another answer to the last message", &ChatSession::regenerate},
    {"save", "FILE", "write the conversation, as JSON", &ChatSession::save},
    {"load", "FILE", "go on with a conversation that was saved", &ChatSession::load},
    {"quit", "", "end, as Ctrl-D does", &ChatSession::quit},
    {"exit", "", "the same", &ChatSession::quit},
};

ChatSession::ChatSession(run::Generator& generator, run::Conversation conversation, run::SessionOptions options,
                         bool terminal, bool figures)
    : generator_(generator),
      conversation_(std::move(conversation)),
      options_(std::move(options)),
      terminal_(terminal),
      figures_(figures) {}

Status ChatSession::run(const NextLine& next, std::function<void()> at_prompt) {
  std::optional<AnswerInterrupt> interrupt;
  if (terminal_)
    interrupt.emplace([this, at_prompt = std::move(at_prompt)] {
      if (!stop_answer() && at_prompt) at_prompt();
    });
  if (Status status = talk(next); !status.ok()) return status;
  if (terminal_ || errors_ == 0) return {};
  return failed(fmt::format("{} of the messages and commands went wrong", errors_));
}

// On a thread of its own. Either this sees the session that has begun, or what begins it sees that it shall stop.
// Whether there was one.
bool ChatSession::stop_answer() {
  stop_.store(true);
  const int64_t session = answering_.load();
  if (session != 0) generator_.cancel(session);
  return session != 0;
}

Status ChatSession::talk(const NextLine& next) {
  std::string message;
  while (!quit_) {
    const auto got = read_message(next, message);
    if (!got) return got.status();
    if (*got == Input::end) break;
    if (*got == Input::interrupted) {
      if (std::exchange(interrupted_, true)) break;
      note("Ctrl-C again ends the program");
      continue;
    }
    interrupted_ = false;
    stop_.store(false);  // a Ctrl-C at the prompt was for the line
    if (Status status = take_message(message); !status.ok()) return status;
  }
  return {};
}

// An error is one of the whole: the output is gone, or the model's pass failed.
Status ChatSession::take_message(std::string_view message) {
  if (trimmed(message).empty()) return {};
  if (message.front() == '/') {
    const Status status = take_command(std::string(trimmed(message)));
    if (!status.ok()) {
      ++errors_;
      complain(status.message());
    }
    return std::exchange(ask_again_, false) ? reply() : Status();
  }
  conversation_.say(message);
  return reply();
}

void ChatSession::note(const std::string& text) const {
  if (terminal_) fmt::print(stderr, "\033[2m{}\033[0m\n", text);
}

// The last message goes: an answer to the next one would be an answer to both.
void ChatSession::not_answered(const std::string& why) {
  ++errors_;
  complain(why);
  conversation_.take_back_question();
}

Status ChatSession::reply() {
  const auto prompt = conversation_.prompt();
  if (!prompt) return not_answered(prompt.status().message()), Status();
  if (std::ssize(prompt->ids) > generator_.context()) {
    not_answered(fmt::format("the conversation has {} tokens with this message, the context {}{}", prompt->ids.size(),
                             generator_.context(), kBegin));
    return {};
  }
  Answer answer;
  if (Status status = generate(*prompt, answer); !status.ok()) return status;
  keep(*prompt, answer);
  return {};
}

Status ChatSession::generate(const run::Conversation::Prompt& prompt, Answer& answer) {
  TokenTiming timing;
  const auto session = generator_.start(prompt.ids, options_);
  if (!session) {
    answer.finish = run::Finish::failed;
    answer.status = session.status();
    return {};
  }
  const int64_t cached = generator_.cached(*session);
  answering_.store(*session);
  if (stop_.load()) generator_.cancel(*session);
  while (generator_.busy()) {
    const Status status = generator_.step([&](const run::SessionEvent& event) {
      if (event.finish == run::Finish::none) answer.tokens.push_back(event.token);
      if (event.token >= 0) timing.token();
      answer.text += event.text;
      std::fwrite(event.text.data(), 1, event.text.size(), stdout);
      answer.finish = event.finish;
      answer.status = event.status;
    });
    if (!status.ok()) return status;
    if (std::fflush(stdout) != 0) return io_error("cannot write to standard output");
  }
  answering_.store(0);
  std::fputc('\n', stdout);
  if (std::fflush(stdout) != 0) return io_error("cannot write to standard output");
  if (figures_ && timing.tokens() > 0) note(timing.line(std::ssize(prompt.ids), cached));
  return {};
}

void ChatSession::keep(const run::Conversation::Prompt& prompt, Answer& answer) {
  if (answer.finish == run::Finish::failed) return not_answered(answer.status.message());
  interrupted_ = answer.finish == run::Finish::cancelled;
  if (interrupted_ && answer.text.empty()) {
    conversation_.take_back_question();
    return;
  }
  // The tokens of a stop string are no part of the text.
  if (answer.finish == run::Finish::stop_string) answer.tokens.clear();
  conversation_.answer(prompt, answer.tokens, std::move(answer.text));
  if (answer.finish != run::Finish::context_full) return;
  ++errors_;
  complain(answer.status.message() + kBegin);
}

Status ChatSession::take_command(const std::string& line) {
  const size_t end = line.find_first_of(" \t\n");
  const std::string name = line.substr(1, end == std::string::npos ? end : end - 1);
  const std::string argument(trimmed(end == std::string::npos ? "" : std::string_view(line).substr(end)));
  for (const CommandRow& row : kCommands) {
    if (row.name != name) continue;
    if (row.argument.empty() && !argument.empty())
      return invalid_argument(fmt::format("/{} takes no argument, found {}", name, shown(argument)));
    return (this->*row.run)(argument);
  }
  return invalid_argument(
      fmt::format("there is no command {}; /help lists them, and a blank before the / makes it a "
                  "message",
                  shown("/" + name)));
}

Status ChatSession::help(const std::string&) {
  for (const CommandRow& row : kCommands)
    fmt::print("{:<14}  {}\n", fmt::format("/{} {}", row.name, row.argument), row.what);
  fmt::print(
      "A line that ends in \\ goes on in the next; \"\"\" begins and ends a message of several lines.\n"
      "Ctrl-C stops an answer; at the prompt, twice, it ends the program.\n");
  return {};
}

Status ChatSession::clear(const std::string&) {
  conversation_.clear();
  note("a new conversation");
  return {};
}

Status ChatSession::system(const std::string& argument) {
  if (!argument.empty()) conversation_.set_system(argument == "-" ? "" : argument);
  const std::string& now = conversation_.system();
  note(now.empty() ? "nothing before the messages" : "before the messages: " + now);
  return {};
}

Status ChatSession::save(const std::string& argument) {
  if (argument.empty()) return invalid_argument("/save has no file, needed: /save FILE");
  if (Status status = write_file(argument, conversation_.messages().dump(2) + "\n"); !status.ok()) return status;
  note("written to " + argument);
  return {};
}

Status ChatSession::load(const std::string& argument) {
  if (argument.empty()) return invalid_argument("/load has no file, needed: /load FILE");
  const auto text = read_file(argument, kLargestSaved);
  if (!text) return text.status();
  const auto messages = chat::parse_ordered(*text, argument);
  if (!messages) return messages.status();
  if (Status status = conversation_.set_messages(*messages); !status.ok())
    return invalid_argument(argument + ": " + status.message());
  note("read from " + argument);
  return {};
}

Status ChatSession::regenerate(const std::string&) {
  if (!conversation_.take_back_answer()) return invalid_argument("there is no answer yet that could be another");
  int64_t& seed = options_.sampling.seed;
  seed = seed == std::numeric_limits<int64_t>::max() ? 0 : seed + 1;
  if (options_.sampling.temperature == 0.0f) note("at temperature 0 it is the same again");
  ask_again_ = true;
  return {};
}

Status ChatSession::quit(const std::string&) {
  quit_ = true;
  return {};
}

}  // namespace lathe::cli
