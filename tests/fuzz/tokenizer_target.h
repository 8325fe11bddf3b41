// A tokenizer that was accepted must encode and decode any text, and give no id that it does not have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

#include "memory_bound.h"
#include "tokenize/tokenizer.h"

namespace lathe::fuzz {

// `load` makes one of the bytes of a file; `text` has what such files treat differently from other words.
template <class Load>
int tokenizer_target(Load load, std::string_view text, const uint8_t* data, size_t size) {
  const MemoryBound bound(size);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<tokenize::Tokenizer> tokenizer = load(bytes);
  if (!tokenizer.ok()) return 0;
  for (const std::string_view given : {text, bytes.substr(0, 256)}) {
    const auto encoding = tokenizer->encode(given);
    if (!encoding.ok()) continue;
    for (const int32_t id : encoding->ids)
      if (id < 0 || id >= tokenizer->vocab_size()) std::abort();
    if (!tokenizer->decode(encoding->ids, false).ok()) std::abort();
  }
  return 0;
}

}  // namespace lathe::fuzz
