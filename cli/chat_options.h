// The options that make a conversation of a prompt.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "run/conversation.h"
#include "run/generator.h"

namespace lathe::cli {

struct ChatOptions {
  std::string system, template_file;
};

void add_chat_options(CLI::App& command, ChatOptions& options, const char* group);

// With the model's own template, or the one that the options name.
Result<run::Conversation> open_conversation(const run::Generator& generator, const ChatOptions& options);

}  // namespace lathe::cli
