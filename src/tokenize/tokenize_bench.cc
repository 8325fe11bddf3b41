// Bytes a second of encoding, for the tokenizers of the test data on real text, and for a word without an end.
#include <benchmark/benchmark.h>

#include "tokenize/test_data.h"
#include "tokenize/tokenizer.h"

namespace lathe::tokenize {
namespace {

// Lines of 512 bytes and more, as a batch of texts has them; made-up prose where there is no test data.
std::vector<std::string> texts() {
  std::string all = read_test_data("text/war-and-peace.txt");
  if (all.empty())
    for (int i = 0; i < 20000; ++i)
      all += "It was a bright cold day in April " + std::to_string(i % 977) + ", they said; ";
  std::vector<std::string> made;
  for (size_t at = 0; at < all.size(); at += 512) made.push_back(all.substr(at, 512));
  return made;
}

void encode(benchmark::State& state, const char* path) {
  const auto tokenizer = Tokenizer::load(test_data(path));
  if (!tokenizer.ok()) return state.SkipWithError(tokenizer.status().message().c_str());
  const auto all = texts();
  Workspace work;
  Encoding encoding;
  int64_t bytes = 0, tokens = 0;
  for (auto _ : state) {
    for (const auto& text : all) {
      if (!tokenizer->encode(text, {}, work, encoding).ok()) return state.SkipWithError("failed");
      bytes += static_cast<int64_t>(text.size());
      tokens += encoding.tokens;
    }
  }
  state.SetBytesProcessed(bytes);
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
}

// One word of many bytes: the time a byte must not grow with the length.
void encode_long_word(benchmark::State& state, const char* path) {
  const auto tokenizer = Tokenizer::load(test_data(path));
  if (!tokenizer.ok()) return state.SkipWithError(tokenizer.status().message().c_str());
  std::string word;
  for (uint32_t i = 0, x = 1; i < state.range(0); ++i, x = x * 1664525u + 1013904223u)
    word += static_cast<char>('a' + (x >> 24) % 26);
  Workspace work;
  Encoding encoding;
  for (auto _ : state)
    if (!tokenizer->encode(word, {}, work, encoding).ok()) return state.SkipWithError("failed");
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}

void load(benchmark::State& state, const char* path) {
  for (auto _ : state) {
    const auto tokenizer = Tokenizer::load(test_data(path));
    if (!tokenizer.ok()) return state.SkipWithError(tokenizer.status().message().c_str());
  }
}

constexpr char kMiniLm[] = "tokenizers/all-MiniLM-L6-v2", kGpt2[] = "tokenizers/gpt2", kQwen2[] = "tokenizers/qwen2",
               kXlmR[] = "tokenizers/xlm-roberta/tokenizer.reconstructed.json", kLlama2[] = "tokenizers/llama2";

BENCHMARK_CAPTURE(encode, wordpiece_minilm, kMiniLm);
BENCHMARK_CAPTURE(encode, bytes_gpt2, kGpt2);
BENCHMARK_CAPTURE(encode, bytes_qwen2, kQwen2);
BENCHMARK_CAPTURE(encode, unigram_xlmr, kXlmR);
BENCHMARK_CAPTURE(encode, bpe_llama2, kLlama2);
BENCHMARK_CAPTURE(encode_long_word, wordpiece_minilm, kMiniLm)->Arg(100'000)->Arg(10'000'000);
BENCHMARK_CAPTURE(encode_long_word, bytes_gpt2, kGpt2)->Arg(100'000)->Arg(10'000'000);
BENCHMARK_CAPTURE(encode_long_word, unigram_xlmr, kXlmR)->Arg(100'000)->Arg(10'000'000);
BENCHMARK_CAPTURE(encode_long_word, bpe_llama2, kLlama2)->Arg(100'000)->Arg(10'000'000);
BENCHMARK_CAPTURE(load, minilm, kMiniLm)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, gpt2, kGpt2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, xlmr, kXlmR)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lathe::tokenize
