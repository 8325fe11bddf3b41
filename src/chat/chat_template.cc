#include "chat/chat_template.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "base/bounded_json.h"
#include "chat/lexer.h"

namespace lathe::chat {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLargestConfig = 16 << 20;  // bytes; Llama 3's lists 256 reserved tokens in 50 KB
constexpr JsonLimits kLimits{.depth = 64, .token = kLongestTemplate, .values = 500'000};

constexpr const char* kTokens[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                   "pad_token", "cls_token", "mask_token"};

std::string path_of(const std::string& folder, const char* name) {
  return (std::filesystem::path(folder) / name).string();
}

// A token stands as its text, or as an object that has it as "content".
std::vector<std::pair<std::string, std::string>> tokens_of(const Json& config) {
  std::vector<std::pair<std::string, std::string>> tokens;
  for (const char* name : kTokens) {
    const auto found = config.find(name);
    if (found == config.end()) continue;
    const Json& text = found->is_object() && found->contains("content") ? found->at("content") : *found;
    if (text.is_string()) tokens.emplace_back(name, text.get<std::string>());
  }
  return tokens;
}

std::vector<std::pair<std::string, std::string>> tokens_of(const tokenize::Tokenizer& tokenizer) {
  const auto& special = tokenizer.special();
  std::vector<std::pair<std::string, std::string>> tokens;
  for (const auto& [name, id] : {std::pair{"bos_token", special.bos},
                                 {"eos_token", special.eos},
                                 {"unk_token", special.unk},
                                 {"pad_token", special.pad}})
    if (id >= 0) tokens.emplace_back(name, tokenizer.piece(id));
  return tokens;
}

struct Sources {
  std::string plain, with_tools;
};

// "chat_template" as it stands in tokenizer_config.json.
Result<Sources> sources_of(const Json& found, const std::string& file) {
  if (found.is_string()) return Sources{found.get<std::string>(), {}};
  if (!found.is_array())
    return corrupt(fmt::format("{}: chat_template is {}, needed: a string or a list", file, found.type_name()));
  Sources sources;
  for (const Json& one : found) {
    if (!one.is_object() || !one.contains("name") || !one.contains("template") || !one["name"].is_string() ||
        !one["template"].is_string())
      return corrupt(fmt::format("{}: chat_template has an element without a name and a template, both strings", file));
    if (one["name"] == "default") sources.plain = one["template"];
    if (one["name"] == "tool_use") sources.with_tools = one["template"];
  }
  if (sources.plain.empty()) return corrupt(fmt::format("{}: chat_template has no template named 'default'", file));
  return sources;
}

}  // namespace

Result<nlohmann::ordered_json> parse_ordered(std::string_view text, std::string_view name) {
  if (Status status = check_json_limits(text, name, {}); !status.ok()) return status;
  auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    const auto located = parse_json(text, name);  // says where
    return located ? corrupt(fmt::format("{}: is no JSON", name)) : located.status();
  }
  return json;
}

Result<ChatTemplate> ChatTemplate::load(const std::string& folder) {
  const std::string config_path = path_of(folder, "tokenizer_config.json"),
                    jinja_path = path_of(folder, "chat_template.jinja");
  Json config = Json::object();
  if (std::filesystem::exists(config_path)) {
    auto read = load_json(config_path, kLargestConfig, kLimits);
    if (!read) return read.status();
    if (read->is_object()) config = std::move(*read);
  }
  Sources sources;
  std::string file = jinja_path;
  if (std::filesystem::exists(jinja_path)) {
    auto text = read_file(jinja_path, kLongestTemplate);
    if (!text) return text.status();
    sources.plain = std::move(*text);
  } else if (const auto found = config.find("chat_template"); found != config.end() && !found->is_null()) {
    file = config_path + ": chat_template";
    auto read = sources_of(*found, config_path);
    if (!read) return read.status();
    sources = std::move(*read);
  } else {
    return not_found(fmt::format(
        "{} has no chat template: neither chat_template.jinja nor chat_template in tokenizer_config.json", folder));
  }
  auto plain = Template::parse(sources.plain, file);
  if (!plain) return plain.status();
  ChatTemplate made(std::move(*plain), tokens_of(config));
  if (sources.with_tools.empty()) return made;
  auto with_tools = Template::parse(sources.with_tools, file + " (tool_use)");
  if (!with_tools) return with_tools.status();
  made.with_tools_ = std::move(*with_tools);
  return made;
}

Result<ChatTemplate> ChatTemplate::parse(std::string_view source, std::string_view name,
                                         const tokenize::Tokenizer& tokenizer) {
  auto plain = Template::parse(source, name);
  if (!plain) return plain.status();
  return ChatTemplate(std::move(*plain), tokens_of(tokenizer));
}

Result<ChatTemplate> ChatTemplate::load(const Fields& gguf, const tokenize::Tokenizer& tokenizer) {
  constexpr const char* kKey = "tokenizer.chat_template";
  if (!gguf.has(kKey)) return not_found(fmt::format("{}: has no {}, so no chat template", gguf.file(), kKey));
  const auto source = gguf.require_string(kKey);
  if (!source) return source.status();
  auto made = parse(*source, fmt::format("{}: {}", gguf.file(), kKey), tokenizer);
  if (!made) return made;
  const auto tool_use = gguf.string_or("tokenizer.chat_template.tool_use", "");
  if (!tool_use) return tool_use.status();
  if (tool_use->empty()) return made;
  auto with_tools = Template::parse(*tool_use, fmt::format("{}: {}.tool_use", gguf.file(), kKey));
  if (!with_tools) return with_tools.status();
  made->with_tools_ = std::move(*with_tools);
  return made;
}

Result<std::string> ChatTemplate::render(const nlohmann::ordered_json& messages, const ChatOptions& options) const {
  if (!messages.is_array())
    return invalid_argument(fmt::format("messages are {}, needed: a list", messages.type_name()));
  for (const auto& message : messages)
    if (!message.is_object() || !message.contains("role"))
      return invalid_argument("a message is no object with a role, needed: \"role\" and \"content\"");
  nlohmann::ordered_json context = nlohmann::ordered_json::object();
  for (const auto& [name, text] : tokens_) context[name] = text;
  if (options.extra.is_object()) context.update(options.extra);
  context["messages"] = messages;
  context["tools"] = options.tools;
  if (!context.contains("documents")) context["documents"] = nullptr;
  context["add_generation_prompt"] = options.add_generation_prompt;
  const bool uses_tools = with_tools_ && !options.tools.is_null();
  return (uses_tools ? *with_tools_ : plain_).render(context, options.now);
}

}  // namespace lathe::chat
