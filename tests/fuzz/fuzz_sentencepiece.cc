// libFuzzer: any bytes as a SentencePiece .model.
#include "tokenizer_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto load = [](std::string_view bytes) {
    return lathe::tokenize::Tokenizer::from_sentencepiece("fuzz", bytes);
  };
  return lathe::fuzz::tokenizer_target(load, "Hello  w\xc3\xb6rld \xe2\x96\x81 42\n", data, size);
}
