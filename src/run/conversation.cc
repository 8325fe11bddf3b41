#include "run/conversation.h"

#include <algorithm>
#include <utility>

#include "base/shown.h"
#include "tokenize/utf8.h"

namespace lathe::run {

using Json = nlohmann::ordered_json;

namespace {

std::string valid(std::string_view text) {
  std::string made;
  tokenize::append_valid(text, made);
  return made;
}

}  // namespace

void Conversation::set_system(std::string_view text) { system_ = valid(text); }
void Conversation::say(std::string_view text) { messages_.push_back({"user", valid(text)}); }

Result<Conversation::Prompt> Conversation::prompt() const {
  auto text = chat_.render(messages(), {.now = now_});
  if (!text) return text.status();
  const bool goes_on = !said_.text.empty() && text->starts_with(said_.text);
  const auto encode = [this](std::string_view part) {
    return tokenizer_.encode(part, {.add_special = false});  // the template writes what begins a text
  };
  if (goes_on) {
    const auto rest = encode(std::string_view(*text).substr(said_.text.size()));
    if (!rest) return rest.status();
    // A special token is a border that no token of the whole text would cross.
    if (!rest->ids.empty() && tokenizer_.is_special(rest->ids.front())) {
      Prompt made{std::move(*text), said_.ids};
      made.ids.insert(made.ids.end(), rest->ids.begin(), rest->ids.end());
      return made;
    }
  }
  auto whole = encode(*text);
  if (!whole) return whole.status();
  return Prompt{std::move(*text), std::move(whole->ids)};
}

void Conversation::answer(const Prompt& prompt, std::span<const int32_t> tokens, std::string text) {
  said_ = tokens.empty() ? Prompt() : prompt;
  if (!tokens.empty()) said_.text += text;
  said_.ids.insert(said_.ids.end(), tokens.begin(), tokens.end());
  messages_.push_back({"assistant", std::move(text)});
}

bool Conversation::take_back(std::string_view role) {
  if (messages_.empty() || messages_.back().role != role) return false;
  messages_.pop_back();
  return true;
}

void Conversation::clear() {
  messages_.clear();
  said_ = {};
}

Json Conversation::messages() const {
  Json all = Json::array();
  const auto append = [&all](const std::string& role, const std::string& content) {
    all.push_back({{"role", role}, {"content", content}});
  };
  if (!system_.empty()) append("system", system_);
  for (const Message& message : messages_) append(message.role, message.content);
  return all;
}

Status Conversation::set_messages(const Json& messages) {
  const auto text_of = [](const Json& message, const char* key) -> const std::string* {
    const auto found = message.find(key);
    return found != message.end() ? found->get_ptr<const std::string*>() : nullptr;
  };
  if (!messages.is_array()) return invalid_argument("the messages are no list, needed: a list of objects");
  std::string system;
  std::vector<Message> read;
  for (const Json& message : messages) {
    const std::string* role = message.is_object() ? text_of(message, "role") : nullptr;
    const std::string* content = message.is_object() ? text_of(message, "content") : nullptr;
    if (role == nullptr || content == nullptr)
      return invalid_argument("a message is " + shown(message.dump()) +
                              R"(, needed: an object with the texts "role" and "content")");
    if (*role == "system" && read.empty() && system.empty())
      system = *content;
    else if (*role == "user" || *role == "assistant")
      read.push_back({*role, *content});
    else
      return invalid_argument("a message's role is " + shown(*role) +
                              ", needed: user or assistant, or system for the first");
  }
  clear();
  system_ = std::move(system);
  messages_ = std::move(read);
  return {};
}

}  // namespace lathe::run
