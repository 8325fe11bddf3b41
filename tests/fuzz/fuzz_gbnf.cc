// libFuzzer: any bytes as a grammar in GBNF, which then leads a text.
#include "grammar_target.h"
#include "memory_bound.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lathe::fuzz::fuzz_vocabulary();
  const lathe::fuzz::MemoryBound bound(size);
  auto grammar = lathe::grammar::parse_gbnf({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (grammar.ok()) lathe::fuzz::walk(std::move(*grammar), 16, static_cast<uint32_t>(size));
  return 0;
}
