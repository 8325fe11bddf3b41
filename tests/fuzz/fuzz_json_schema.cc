// libFuzzer: any bytes as a JSON schema, whose grammar then leads a text.
#include <nlohmann/json.hpp>

#include "chat/chat_template.h"
#include "grammar/json_schema.h"
#include "grammar_target.h"
#include "memory_bound.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lathe::fuzz::fuzz_vocabulary();
  const lathe::fuzz::MemoryBound bound(size);
  const auto schema = lathe::chat::parse_ordered({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!schema.ok()) return 0;
  const auto gbnf = lathe::grammar::json_schema_to_gbnf(*schema, "fuzz");
  if (!gbnf.ok()) return 0;
  auto grammar = lathe::grammar::parse_gbnf(*gbnf, "fuzz");  // may still be too large, or a schema that is only itself
  if (grammar.ok()) lathe::fuzz::walk(std::move(*grammar), 16, static_cast<uint32_t>(size));
  return 0;
}
