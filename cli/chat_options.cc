#include "chat_options.h"

#include <ctime>

#include "base/atomic_file.h"
#include "chat/lexer.h"

namespace lathe::cli {
namespace {

Result<chat::ChatTemplate> template_of(const run::Generator& generator, const tokenize::Tokenizer& tokenizer,
                                       const std::string& file) {
  if (!file.empty()) {
    const auto source = read_file(file, chat::kLongestTemplate);
    if (!source) return source.status();
    return chat::ChatTemplate::parse(*source, file, tokenizer);
  }
  auto own = generator.chat_template();
  if (!own && own.status().code() == Code::not_found)
    return not_found(own.status().message() + "; --template FILE names one");
  return own;
}

}  // namespace

void add_chat_options(CLI::App& command, ChatOptions& options, const char* group) {
  command.add_option("--system", options.system, "What the model is told before all messages")
      ->group(group)
      ->type_name("TEXT");
  command.add_option("--template", options.template_file, "A chat template (Jinja) in place of the model's own")
      ->group(group)
      ->type_name("FILE");
}

Result<run::Conversation> open_conversation(const run::Generator& generator, const ChatOptions& options) {
  const auto tokenizer = generator.tokenizer();
  if (!tokenizer) return tokenizer.status();
  auto chat = template_of(generator, **tokenizer, options.template_file);
  if (!chat) return chat.status();
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  run::Conversation conversation(std::move(*chat), **tokenizer, local);
  conversation.set_system(options.system);
  return conversation;
}

}  // namespace lathe::cli
