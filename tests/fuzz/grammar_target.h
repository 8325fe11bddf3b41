// A grammar that was accepted must lead a text: whatever token the matcher allows, it takes, and it takes no other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "grammar/matcher.h"

namespace lathe::fuzz {

// Each byte, some texts of several, and one that ends the answer.
inline std::shared_ptr<const grammar::TokenTrie> fuzz_vocabulary() {
  static const auto trie = [] {
    std::vector<std::string> texts;
    for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
    for (const char* text : {"ab", "abc", "{\"", "\":", "true", " \n ", "\xc3\xa9", "12.5", "]}"})
      texts.emplace_back(text);
    texts.emplace_back();
    auto made = grammar::TokenTrie::create(std::move(texts));
    if (!made.ok()) std::abort();
    return std::make_shared<const grammar::TokenTrie>(std::move(*made));
  }();
  return trie;
}

// Goes `steps` tokens, each chosen by `random` among those allowed.
inline void walk(grammar::Grammar made, int steps, uint32_t random) {
  const auto trie = fuzz_vocabulary();
  const auto stop = static_cast<int32_t>(trie->size() - 1);
  auto matcher = grammar::Matcher::create(std::make_shared<const grammar::Grammar>(std::move(made)), trie, trie->size(),
                                          {stop}, {.ways = 256, .depth = 200, .states = 256, .masks = 16});
  if (!matcher.ok()) return;
  for (int step = 0; step < steps && !matcher->ended(); ++step) {
    const auto mask = matcher->allowed();
    if (!mask.ok()) return;
    std::vector<int32_t> allowed;
    int32_t refused = -1;
    for (int32_t token = 0; token <= stop; ++token)
      if (((*mask)[static_cast<size_t>(token / 64)] >> (token % 64) & 1) != 0)
        allowed.push_back(token);
      else
        refused = token;
    if (allowed.empty()) std::abort();
    if (refused >= 0 && matcher->accept(refused).ok()) std::abort();
    random = random * 1664525 + 1013904223;
    if (!matcher->accept(allowed[(random >> 16) % allowed.size()]).ok()) std::abort();
  }
}

}  // namespace lathe::fuzz
