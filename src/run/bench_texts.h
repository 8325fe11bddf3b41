// The texts that `lathe bench embed` and its peers are timed with: made of common words, the same in every run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::run {

// One call is one batch of texts. A scenario has several calls where one text alone would be the same over and over.
struct Scenario {
  std::string name, what;
  std::vector<std::vector<std::string>> calls;

  int64_t texts() const;
};

// short (9 words), long (49), words400, batch96_short, batch96_long, mixed (64 texts of 3 to 200 words).
std::vector<Scenario> bench_scenarios();

// `count` words, chosen by `seed`, as a sentence.
std::string bench_text(int64_t count, uint64_t seed);

}  // namespace lathe::run
