// Any bytes as a tokenizer.json; what is accepted must encode and decode any text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tokenize/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lathe::tokenize;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = Tokenizer::from_json("fuzz", bytes);
  if (!tokenizer.ok()) return 0;
  for (const std::string_view text :
       {std::string_view("Hello, [SEP] w\xc3\xb6rld's \xe2\x96\x81 42\n"), bytes.substr(0, 256)}) {
    const auto encoding = tokenizer->encode(text);
    if (!encoding.ok()) continue;
    for (const int32_t id : encoding->ids)
      if (id < 0 || id >= tokenizer->vocab_size()) std::abort();
    if (!tokenizer->decode(encoding->ids, false).ok()) std::abort();
  }
  return 0;
}
