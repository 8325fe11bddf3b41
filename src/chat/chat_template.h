// A model's own way to write a conversation as the text that it was trained on.
#pragma once

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat/template.h"
#include "formats/fields.h"
#include "lathe/status.h"
#include "tokenize/tokenizer.h"

namespace lathe::chat {

struct ChatOptions {
  bool add_generation_prompt = true;       // ends with what opens the model's answer
  nlohmann::ordered_json tools = nullptr;  // a list of JSON schemas of functions
  nlohmann::ordered_json extra = nullptr;  // an object: more names for the template (enable_thinking, ...)
  std::tm now = {};                        // what templates that print the date print
};

class ChatTemplate {
 public:
  // `folder`/chat_template.jinja, else "chat_template" of `folder`/tokenizer_config.json: a text, or a list of named
  // ones. bos_token and the like come from the latter file.
  static Result<ChatTemplate> load(const std::string& folder);
  // tokenizer.chat_template of GGUF metadata (and tokenizer.chat_template.tool_use), the tokens' texts from the
  // tokenizer.
  static Result<ChatTemplate> load(const Fields& gguf, const tokenize::Tokenizer& tokenizer);

  // A template from anywhere; `name` is what errors call it.
  static Result<ChatTemplate> parse(std::string_view source, std::string_view name,
                                    const tokenize::Tokenizer& tokenizer);

  // `messages` is a list of objects with "role" and "content", and what else the template knows.
  Result<std::string> render(const nlohmann::ordered_json& messages, const ChatOptions& options) const;

 private:
  using Tokens = std::vector<std::pair<std::string, std::string>>;  // "bos_token": "<s>"
  ChatTemplate(Template plain, Tokens tokens) : plain_(std::move(plain)), tokens_(std::move(tokens)) {}

  Template plain_;
  std::optional<Template> with_tools_;  // where there is one of its own
  Tokens tokens_;
};

// A JSON text whose objects keep the order of their keys, as a template prints them. `name` is for errors.
Result<nlohmann::ordered_json> parse_ordered(std::string_view text, std::string_view name);

}  // namespace lathe::chat
