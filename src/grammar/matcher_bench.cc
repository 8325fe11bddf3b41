// Time of a mask over 150,000 tokens in a JSON grammar: where the state is new, and where it came before.
#include <benchmark/benchmark.h>

#include <string>

#include "grammar/json_schema.h"
#include "grammar/matcher.h"

namespace lathe::grammar {
namespace {

// About what a vocabulary looks like: words and their beginnings, some with a space before, numbers, punctuation.
std::vector<std::string> vocabulary() {
  std::vector<std::string> texts;
  for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
  uint64_t state = 1;
  const auto below = [&state](uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  };
  while (texts.size() < 150'000) {
    std::string text = below(2) ? " " : "";
    const bool is_punctuation = below(20) == 0;
    for (uint64_t left = 2 + below(8); left > 0; --left)
      text += is_punctuation ? "{}[]\":, \n.-"[below(11)] : static_cast<char>('a' + below(26) * below(27) / 26);
    texts.push_back(std::move(text));
  }
  return texts;
}

void mask(benchmark::State& state, std::string_view before, bool is_new) {
  auto grammar = parse_gbnf(json_object_gbnf(), "g");
  auto trie = TokenTrie::create(vocabulary());
  const auto shared_grammar = std::make_shared<const Grammar>(*std::move(grammar));
  const auto shared_trie = std::make_shared<const TokenTrie>(*std::move(trie));
  // One mask is kept: that of another state takes its place.
  auto matcher = Matcher::create(shared_grammar, shared_trie, shared_trie->size(), {},
                                 {.masks = is_new ? size_t{1} : size_t{256}});
  for (auto _ : state) {
    state.PauseTiming();
    matcher->restart();
    benchmark::DoNotOptimize(matcher->allowed());
    for (const char byte : before) static_cast<void>(matcher->accept(static_cast<unsigned char>(byte)));
    state.ResumeTiming();
    benchmark::DoNotOptimize(matcher->allowed());
  }
}

BENCHMARK_CAPTURE(mask, object_new, "{", true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(mask, string_new, "{\"a", true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(mask, value_new, "{\"a\": ", true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(mask, string_kept, "{\"a", false)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace lathe::grammar
