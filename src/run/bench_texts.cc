#include "run/bench_texts.h"

#include <cmath>
#include <iterator>

namespace lathe::run {
namespace {

constexpr std::string_view kWords[] = {
    "the",      "river",    "carries",   "water",     "from",   "mountains",  "to",        "a",       "distant",
    "sea",      "and",      "people",    "build",     "houses", "along",      "its",       "banks",   "where",
    "trade",    "grows",    "every",     "morning",   "market", "opens",      "with",      "bread",   "fish",
    "fruit",    "cloth",    "tools",     "children",  "learn",  "numbers",    "letters",   "history", "music",
    "in",       "school",   "near",      "old",       "bridge", "while",      "engineers", "measure", "how",
    "much",     "weight",   "it",        "can",       "bear",   "before",     "winter",    "storms",  "arrive",
    "doctors",  "study",    "which",     "medicine",  "helps",  "patients",   "recover",   "quickly", "after",
    "surgery",  "farmers",  "plant",     "seeds",     "when",   "soil",       "is",        "warm",    "enough",
    "computer", "programs", "translate", "questions", "into",   "answers",    "that",      "readers", "trust",
    "because",  "sources",  "are",       "named",     "city",   "council",    "decides",   "new",     "railway",
    "station",  "needs",    "more",      "light",     "for",    "travellers", "who",       "wait",    "at",
    "night"};

// splitmix64: a well mixed number per seed, the same on every machine.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::vector<std::string> batch(int64_t texts, int64_t words, uint64_t seed) {
  std::vector<std::string> all;
  for (int64_t i = 0; i < texts; ++i) all.push_back(bench_text(words, seed + static_cast<uint64_t>(i)));
  return all;
}

std::vector<std::vector<std::string>> alone(int64_t texts, int64_t words, uint64_t seed) {
  std::vector<std::vector<std::string>> calls;
  for (std::string& text : batch(texts, words, seed)) calls.push_back({std::move(text)});
  return calls;
}

// Lengths spread evenly over their logarithm, in an order that is not sorted: 37 and 64 have no common factor.
std::vector<std::string> mixed() {
  constexpr int64_t kTexts = 64;
  std::vector<std::string> all;
  for (int64_t i = 0; i < kTexts; ++i) {
    const double share = static_cast<double>(i * 37 % kTexts) / (kTexts - 1);
    const auto words = static_cast<int64_t>(std::lround(3 * std::pow(200.0 / 3, share)));
    all.push_back(bench_text(words, 6000 + static_cast<uint64_t>(i)));
  }
  return all;
}

}  // namespace

int64_t Scenario::texts() const {
  int64_t count = 0;
  for (const auto& call : calls) count += static_cast<int64_t>(call.size());
  return count;
}

std::string bench_text(int64_t count, uint64_t seed) {
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t random = mix(seed * 1'000'003 + static_cast<uint64_t>(i));
    if (i > 0) text += ' ';
    text += kWords[random % std::size(kWords)];
  }
  return text += '.';
}

std::vector<Scenario> bench_scenarios() {
  return {{"short", "one text of 9 words", alone(32, 9, 1000)},
          {"long", "one text of 49 words", alone(32, 49, 2000)},
          {"words400", "one text of 400 words", alone(4, 400, 3000)},
          {"batch96_short", "96 texts of 9 words at once", {batch(96, 9, 4000)}},
          {"batch96_long", "96 texts of 49 words at once", {batch(96, 49, 5000)}},
          {"mixed", "64 texts of 3 to 200 words at once", {mixed()}}};
}

}  // namespace lathe::run
