#include "run/prompt_lookup.h"

#include <gtest/gtest.h>

#include <vector>

namespace lathe::run {
namespace {

using Ids = std::vector<int32_t>;
Ids guessed(PromptLookup& lookup, const Ids& ids, int64_t room = 100) {
  const auto guess = lookup.guess(ids, room);
  return {guess.begin(), guess.end()};
}

TEST(PromptLookup, GuessesWhatStoodBehindTheLastThreeTokensTheLatestTime) {
  PromptLookup lookup(4);
  EXPECT_EQ(guessed(lookup, {1, 2, 3, 7, 8, 1, 2, 3, 9, 8, 1, 2, 3}), Ids({9}));
  EXPECT_EQ(guessed(lookup, {1, 2, 3, 4, 5, 6}), Ids());
  EXPECT_EQ(guessed(lookup, {2, 3, 9, 2, 3}), Ids());  // two that stood before are not enough
  EXPECT_EQ(guessed(lookup, {5, 5, 5, 5}), Ids({5}));  // the places may overlap
  EXPECT_EQ(guessed(lookup, {}), Ids());
}

TEST(PromptLookup, GuessesGrowWhileTheyAreRightAndNeverBeyondTheRoom) {
  PromptLookup lookup(3);
  const Ids ids = {1, 2, 3, 4, 5, 6, 7, 1, 2, 3};
  EXPECT_EQ(guessed(lookup, ids), Ids({4}));
  lookup.learn(1, 1);
  EXPECT_EQ(guessed(lookup, ids), Ids({4, 5}));
  lookup.learn(2, 2);
  EXPECT_EQ(guessed(lookup, ids), Ids({4, 5, 6}));
  lookup.learn(3, 3);
  EXPECT_EQ(guessed(lookup, ids), Ids({4, 5, 6}));
  EXPECT_EQ(guessed(lookup, ids, 2), Ids({4, 5}));
  EXPECT_EQ(guessed(lookup, ids, 0), Ids());
  lookup.learn(3, 1);
  EXPECT_EQ(guessed(lookup, ids), Ids({4}));
}

TEST(PromptLookup, WrongGuessesMakeItWaitEachTimeLonger) {
  PromptLookup lookup(3);
  const Ids ids = {1, 2, 3, 4, 1, 2, 3};
  int tokens = 0, guesses = 0;
  for (; tokens < 1000; ++tokens)
    if (!guessed(lookup, ids).empty()) {
      lookup.learn(1, 0);
      ++guesses;
    }
  EXPECT_LT(guesses, 40);
  EXPECT_GT(guesses, 20);
}

TEST(PromptLookup, OfNoTokensGuessesNothing) {
  PromptLookup lookup(0);
  EXPECT_EQ(guessed(lookup, {1, 1, 1, 1, 1}), Ids());
}

}  // namespace
}  // namespace lathe::run
