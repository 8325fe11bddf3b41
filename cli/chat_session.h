// A conversation at a terminal, or through a pipe: messages and commands in, answers out.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "message_reader.h"
#include "run/conversation.h"
#include "run/generator.h"

namespace lathe::cli {

class ChatSession {
 public:
  // `terminal`: somebody is there. Then Ctrl-C stops an answer, what goes wrong is told and no error of the whole, and,
  // where `figures`, a line behind each answer says how fast it came.
  ChatSession(run::Generator& generator, run::Conversation conversation, run::SessionOptions options, bool terminal,
              bool figures);

  ChatSession(const ChatSession&) = delete;
  ChatSession& operator=(const ChatSession&) = delete;

  // To the end of the input, or until it is told to quit.
  // `at_prompt` is called, on a thread of its own, for a Ctrl-C while no answer is being made.
  Status run(const NextLine& next, std::function<void()> at_prompt = {});

 private:
  struct CommandRow;
  static const CommandRow kCommands[];
  struct Answer;

  Status talk(const NextLine& next);
  bool stop_answer();
  Status take_message(std::string_view message);
  Status reply();
  Status generate(const run::Conversation::Prompt& prompt, Answer& answer);
  void keep(const run::Conversation::Prompt& prompt, Answer& answer);
  void not_answered(const std::string& why);
  void note(const std::string& text) const;

  Status take_command(const std::string& line);
  Status help(const std::string& argument);
  Status clear(const std::string& argument);
  Status system(const std::string& argument);
  Status save(const std::string& argument);
  Status load(const std::string& argument);
  Status regenerate(const std::string& argument);
  Status quit(const std::string& argument);

  run::Generator& generator_;
  run::Conversation conversation_;
  run::SessionOptions options_;
  bool terminal_, figures_;
  bool quit_ = false;
  std::atomic<int64_t> answering_{0};  // the session of the answer; 0: there is none
  std::atomic<bool> stop_{false};      // by a Ctrl-C since the last message was read
  bool interrupted_ = false;           // by a Ctrl-C since the last message
  bool ask_again_ = false;             // once the command is done
  int64_t errors_ = 0;
};

}  // namespace lathe::cli
