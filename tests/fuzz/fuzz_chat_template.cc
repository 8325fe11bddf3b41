// libFuzzer: any bytes as a chat template, which is rendered with a conversation. It is a program, so what it may use
// is part of the test: a tenth of what a server allows.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "chat/template.h"
#include "memory_bound.h"

namespace {

const nlohmann::ordered_json& context() {
  static const auto json = nlohmann::ordered_json::parse(R"({
    "messages": [
      {"role": "system", "content": "Be brief."},
      {"role": "user", "content": " Was w\u00e4re, wenn? "},
      {"role": "assistant", "content": null, "tool_calls": [
        {"type": "function", "function": {"name": "f", "arguments": {"x": [1, 2.5, true, null]}}}]},
      {"role": "tool", "content": [{"type": "text", "text": "4"}]}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": true, "enable_thinking": false})");
  return json;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const nlohmann::ordered_json& conversation = context();
  const lathe::fuzz::MemoryBound bound(size);
  const auto parsed = lathe::chat::Template::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!parsed.ok()) return 0;
  const lathe::chat::Limits limits = {.steps = 500'000, .memory = 8 << 20, .output = 2 << 20};
  const auto text = parsed->render(conversation, {}, limits);
  if (text.ok() && static_cast<int64_t>(text->size()) > limits.output) std::abort();
  return 0;
}
