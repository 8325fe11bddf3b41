// What was said so far, and the tokens that ask a model for its next answer.
#pragma once

#include <cstdint>
#include <ctime>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/chat_template.h"
#include "lathe/status.h"
#include "tokenize/tokenizer.h"

namespace lathe::run {

// The messages of one conversation. A prompt goes on from the tokens that the last answer was made of, where the
// template writes the conversation so: text that is encoded again may come out as other tokens, and then nothing behind
// them would be found in the cache.
class Conversation {
 public:
  struct Prompt {
    std::string text;
    std::vector<int32_t> ids;
  };

  // `tokenizer` stays the caller's. `now` is for templates that print the date.
  Conversation(chat::ChatTemplate chat, const tokenize::Tokenizer& tokenizer, const std::tm& now)
      : chat_(std::move(chat)), tokenizer_(tokenizer), now_(now) {}

  // Bytes that are no UTF-8 become U+FFFD, here and in say().
  // What stands before all that is said; empty: nothing. It outlives clear().
  void set_system(std::string_view text);
  const std::string& system() const { return system_; }

  void say(std::string_view text);
  // What asks for an answer to all that was said.
  Result<Prompt> prompt() const;
  // The answer to `prompt`, by its text and, without what ended it, its tokens; none where they hold more than the
  // text.
  void answer(const Prompt& prompt, std::span<const int32_t> tokens, std::string text);

  // Take back the last message where it is the model's, or the user's; false where it is not.
  bool take_back_answer() { return take_back("assistant"); }
  bool take_back_question() { return take_back("user"); }
  bool empty() const { return messages_.empty(); }
  void clear();

  // A list of {"role": ..., "content": ...}, the system's first.
  nlohmann::ordered_json messages() const;
  // The same in place of all that was said.
  Status set_messages(const nlohmann::ordered_json& messages);

 private:
  struct Message {
    std::string role, content;
  };
  bool take_back(std::string_view role);

  chat::ChatTemplate chat_;
  const tokenize::Tokenizer& tokenizer_;
  std::tm now_;
  std::string system_;
  std::vector<Message> messages_;
  Prompt said_;  // the last prompt with its answer
};

}  // namespace lathe::run
