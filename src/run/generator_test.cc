#include "run/generator.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "base/atomic_file.h"
#include "base/test_files.h"
#include "formats/fake_llama2c.h"
#include "run/read_grammar.h"

namespace lathe::run {
namespace {

constexpr Llama2cHeader kHeader = small_llama2c();

class GeneratorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("model.bin", llama2c_bytes(kHeader));
    folder_.write("tok320.bin", llama2c_vocabulary(kHeader.vocabulary));
  }
  std::unique_ptr<Generator> open(GeneratorOptions options = {}) {
    options.model = folder_.path("model.bin");
    if (options.threads == 0) options.threads = 2;
    auto opened = Generator::open(options);
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return opened ? std::move(*opened) : nullptr;
  }
  FakeFolder folder_{"generator"};
};

// What came of each session.
struct Told {
  std::vector<int32_t> tokens;
  std::string text;
  Finish finish = Finish::none;
  Status status;
};
using All = std::map<int64_t, Told>;

void take(All& all, const SessionEvent& event) {
  Told& told = all[event.session];
  EXPECT_EQ(told.finish, Finish::none) << "something came behind the end";
  if (event.token >= 0) told.tokens.push_back(event.token);
  told.text += event.text;
  told.finish = event.finish;
  told.status = event.status;
}

All run(Generator& generator, int64_t* steps = nullptr) {
  All all;
  while (generator.busy()) {
    if (steps != nullptr) ++*steps;
    const Status status = generator.step([&](const SessionEvent& event) { take(all, event); });
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok()) break;
  }
  return all;
}

std::vector<int32_t> prompt(int64_t tokens, int32_t seed) {
  std::vector<int32_t> ids = {1};
  for (int64_t i = 1; i < tokens; ++i) ids.push_back(static_cast<int32_t>((seed * 31 + i * 17) % 317 + 3));
  return ids;
}

SessionOptions tokens(int64_t count) { return {.max_tokens = count, .stop_at_end = false}; }

Told alone(Generator& generator, std::span<const int32_t> ids, int64_t count) {
  const int64_t session = *generator.start(ids, tokens(count));
  return run(generator)[session];
}

TEST_F(GeneratorTest, SessionsHaveTheSameTokensTogetherAndAlone) {
  std::vector<Told> expected;
  const int64_t lengths[] = {1, 5, 130, 64, 20, 200};
  for (int i = 0; i < 6; ++i) expected.push_back(alone(*open({.threads = 1}), prompt(lengths[i], i), 10 + 7 * i));
  for (const int64_t chunk : {3, 64, 128, 500}) {
    const auto generator = open({.prompt_tokens = chunk});
    All all;
    std::map<int64_t, int> of;
    for (int i = 0; i < 6; ++i) {  // some join while others go on
      of[*generator->start(prompt(lengths[i], i), tokens(10 + 7 * i))] = i;
      for (int steps = 0; steps < 3 && i % 2 == 0; ++steps)
        ASSERT_TRUE(generator->step([&](const SessionEvent& event) { take(all, event); }).ok());
    }
    while (generator->busy()) ASSERT_TRUE(generator->step([&](const SessionEvent& event) { take(all, event); }).ok());
    ASSERT_EQ(all.size(), 6u);
    for (const auto& [session, told] : all) {
      const Told& one = expected[static_cast<size_t>(of[session])];
      EXPECT_EQ(told.tokens, one.tokens) << "session " << session << ", chunks of " << chunk;
      EXPECT_EQ(told.text, one.text);
      EXPECT_EQ(told.finish, Finish::max_tokens);
      EXPECT_TRUE(told.status.ok());
    }
  }
}

// A text that repeats itself, as those of random weights soon do.
TEST_F(GeneratorTest, GuessesSavePassesAndChangeNothing) {
  for (const float temperature : {0.0f, 0.3f}) {
    std::vector<Told> expected;
    std::vector<int> passes;
    for (const int64_t guess : {0, 1, 3, 8}) {
      const auto generator = open();
      SessionOptions options = tokens(150);
      options.guess = guess;
      options.sampling.temperature = temperature;
      options.sampling.seed = 5;
      const int64_t session = *generator->start(prompt(20, 3), options);
      All all;
      int steps = 0;
      for (; generator->busy(); ++steps)
        ASSERT_TRUE(generator->step([&](const SessionEvent& event) { take(all, event); }).ok());
      expected.push_back(all[session]);
      passes.push_back(steps);
      EXPECT_EQ(all[session].tokens, expected.front().tokens) << "guesses of " << guess;
      EXPECT_EQ(all[session].text, expected.front().text);
      EXPECT_EQ(all[session].finish, Finish::max_tokens);
      // What is cached is what was said: a session that goes on from it says the same as one that computes all.
      auto longer = prompt(20, 3);
      longer.insert(longer.end(), all[session].tokens.begin(), all[session].tokens.end());
      longer.push_back(7);
      EXPECT_EQ(alone(*generator, longer, 30).tokens, alone(*open(), longer, 30).tokens);
    }
    EXPECT_EQ(passes[0], 150);
    if (temperature == 0.0f) {
      EXPECT_LT(passes[2], 140);
    }
  }
}

TEST_F(GeneratorTest, GuessesStayWithinTheContextAndTheAnswer) {
  for (const int64_t context : {60, 61, 62, 63}) {
    std::vector<int32_t> repeating;
    for (int i = 0; i < 50; ++i) repeating.push_back(i % 4 + 10);
    const auto generator = open({.context = context});
    SessionOptions options = tokens(-1);
    options.guess = 8;
    options.choose = [next = 1](std::span<const float>) mutable { return (++next) % 4 + 10; };
    const int64_t session = *generator->start(repeating, options);
    const Told told = run(*generator)[session];
    EXPECT_EQ(told.finish, Finish::context_full);
    EXPECT_EQ(std::ssize(told.tokens), context - 50);
  }
  const auto generator = open();
  SessionOptions options = tokens(1);
  options.guess = 32;
  const auto refused = generator->start(prompt(5, 1), options);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("tokens to guess are 32, needed: 0 to 31"), std::string::npos);
}

TEST_F(GeneratorTest, ABeginningThatIsCachedIsNotComputedAgainAndChangesNothing) {
  const auto ids = prompt(200, 1);
  auto longer = ids;
  const auto more = prompt(40, 9);
  longer.insert(longer.end(), more.begin(), more.end());
  const Told expected = alone(*open(), longer, 20);
  const auto generator = open();
  alone(*generator, ids, 5);
  const int64_t pages = generator->pool().in_use();
  EXPECT_EQ(pages, 4);  // of 204 positions, which stay
  int steps = 0;
  All all;
  const int64_t session = *generator->start(longer, tokens(20));
  for (; all[session].tokens.empty(); ++steps)
    ASSERT_TRUE(generator->step([&](const SessionEvent& event) { take(all, event); }).ok());
  EXPECT_EQ(steps, 1);                               // of 240 tokens, the 40 that were new
  EXPECT_EQ(generator->pool().in_use(), pages + 1);  // three shared, one copied
  while (generator->busy()) ASSERT_TRUE(generator->step([&](const SessionEvent& event) { take(all, event); }).ok());
  EXPECT_EQ(all[session].tokens, expected.tokens);
}

TEST_F(GeneratorTest, AFullContextIsASentenceAndTheOthersGoOn) {
  const auto generator = open({.context = 50});
  const auto refused = generator->start(prompt(51, 1), tokens(1));
  EXPECT_EQ(refused.status().code(), Code::invalid_argument);
  EXPECT_NE(refused.status().message().find("51 tokens, needed: at most those of the context, 50"), std::string::npos);
  const int64_t full = *generator->start(prompt(45, 1), {.stop_at_end = false});
  const int64_t other = *generator->start(prompt(10, 2), tokens(20));
  All all = run(*generator);
  EXPECT_EQ(all[full].tokens.size(), 5u);
  EXPECT_EQ(all[full].finish, Finish::context_full);
  EXPECT_NE(all[full].status.message().find("the context of 50 tokens is full"), std::string::npos);
  EXPECT_EQ(all[other].finish, Finish::max_tokens);
  EXPECT_EQ(all[other].tokens.size(), 20u);
}

TEST_F(GeneratorTest, LogitsThatAreNotFiniteEndTheirSessionAlone) {
  // The word of token 200 becomes NaN.
  std::string bytes = llama2c_bytes(kHeader);
  bytes.replace(28 + 200 * 32 * 4, 4, raw(std::numeric_limits<float>::quiet_NaN()));
  folder_.write("model.bin", bytes);
  const auto generator = open();
  const std::vector<int32_t> bad = {1, 200, 5}, good = {1, 100, 5};
  const Told expected = alone(*open(), good, 20);
  const int64_t failing = *generator->start(bad, tokens(20)), fine = *generator->start(good, tokens(20));
  All all = run(*generator);
  EXPECT_EQ(all[failing].finish, Finish::failed);
  EXPECT_NE(all[failing].status.message().find("are not all finite numbers"), std::string::npos);
  EXPECT_EQ(all[fine].tokens, expected.tokens);
  EXPECT_EQ(alone(*generator, good, 20).tokens, expected.tokens);  // the pages of the other are clean again
}

TEST_F(GeneratorTest, ACancelledSessionEndsAndTheOthersAreUntouched) {
  const auto generator = open();
  const Told expected = alone(*open(), prompt(100, 2), 20);
  const int64_t gone = *generator->start(prompt(250, 1), tokens(20));
  const int64_t fine = *generator->start(prompt(100, 2), tokens(20));
  All all;
  ASSERT_TRUE(generator->step([&](const SessionEvent& event) { take(all, event); }).ok());
  generator->cancel(gone);
  generator->cancel(4711);  // nobody
  for (auto& [session, told] : run(*generator)) all[session] = told;
  EXPECT_EQ(all[gone].finish, Finish::cancelled);
  EXPECT_EQ(all[gone].status.message(), "the session was cancelled");
  EXPECT_TRUE(all[gone].tokens.empty());
  EXPECT_EQ(all[fine].tokens, expected.tokens);
}

// Every other pass is finished at least, whatever is cancelled meanwhile.
TEST_F(GeneratorTest, CancellingFromAnotherThreadLosesNoToken) {
  const auto generator = open({.threads = 1});
  const Told expected = alone(*open(), prompt(60, 2), 200);
  const int64_t fine = *generator->start(prompt(60, 2), tokens(200));
  std::atomic<bool> done{false};
  std::thread other([&] {
    for (int64_t session = 1000; !done; ++session) {
      generator->cancel(session);
      std::this_thread::yield();
    }
  });
  int64_t steps = 0;
  All all = run(*generator, &steps);
  done = true;
  other.join();
  EXPECT_EQ(all[fine].tokens, expected.tokens);
  EXPECT_LE(steps, 2 * 200);
}

TEST_F(GeneratorTest, ALimitOfTheCacheEndsTheSessionThatHitsIt) {
  const auto probe = open();
  const int64_t page = probe->pool().shape().page_bytes();
  const auto generator = open({.cache_bytes = 3 * page + page / 2});
  const int64_t small = *generator->start(prompt(60, 1), tokens(30));
  const int64_t large = *generator->start(prompt(200, 2), tokens(30));
  All all = run(*generator);
  EXPECT_EQ(all[small].finish, Finish::max_tokens);
  EXPECT_EQ(all[small].tokens.size(), 30u);
  EXPECT_EQ(all[large].finish, Finish::failed);
  EXPECT_NE(all[large].status.message().find("3 pages of 64 positions"), std::string::npos)
      << all[large].status.message();
  // What was kept of them gives way to the next.
  EXPECT_EQ(alone(*generator, prompt(150, 3), 5).tokens.size(), 5u);
}

TEST_F(GeneratorTest, AChooserDecidesAndAnImpossibleTokenIsASentence) {
  const auto generator = open();
  int calls = 0;
  SessionOptions options = {.max_tokens = 10};
  options.choose = [&](std::span<const float> logits) {
    EXPECT_EQ(logits.size(), 320u);
    return ++calls == 3 ? 320 : 100 + calls;
  };
  const int64_t session = *generator->start(prompt(5, 1), options);
  All all = run(*generator);
  EXPECT_EQ(all[session].tokens, (std::vector<int32_t>{101, 102}));
  EXPECT_EQ(all[session].finish, Finish::failed);
  EXPECT_NE(all[session].status.message().find("is 320, needed: 0 to 319"), std::string::npos);
}

TEST_F(GeneratorTest, StopsAtATokenThatEndsAnAnswer) {
  const auto generator = open();
  int calls = 0;
  SessionOptions options;
  options.choose = [&](std::span<const float>) { return ++calls == 4 ? 2 : 285; };
  const int64_t session = *generator->start("a", options);
  All all = run(*generator);
  EXPECT_EQ(all[session].finish, Finish::end_token);
  EXPECT_EQ(all[session].tokens, (std::vector<int32_t>{285, 285, 285, 2}));
  EXPECT_EQ(all[session].text, " a a a");
}

// U+20AC as its three bytes, then half of a character.
TEST_F(GeneratorTest, TextGoesOutByWholeCharacters) {
  const auto generator = open();
  const int32_t ids[] = {285, 3 + 0xe2, 3 + 0x82, 3 + 0xac, 285, 3 + 0xc3};
  size_t at = 0;
  SessionOptions options = {.max_tokens = 6};
  options.choose = [&](std::span<const float>) { return ids[at++]; };
  ASSERT_TRUE(generator->start("a", options).ok());
  std::vector<std::string> pieces;
  while (generator->busy())
    ASSERT_TRUE(generator->step([&](const SessionEvent& event) { pieces.emplace_back(event.text); }).ok());
  EXPECT_EQ(pieces, (std::vector<std::string>{" a", "", "", "\u20ac", " a", "", "\ufffd"}));
}

TEST_F(GeneratorTest, AnAnswerEndsBeforeAStopString) {
  const auto generator = open();
  const int32_t ids[] = {285, 3 + 0xe2, 3 + 0x82, 3 + 0xac, 285, 285, 285};
  size_t at = 0;
  SessionOptions options = {.max_tokens = 7};
  options.stop = {"never", "\u20ac a"};
  options.choose = [&](std::span<const float>) { return ids[at++]; };
  ASSERT_TRUE(generator->start("a", options).ok());
  std::string text;
  Finish finish = Finish::none;
  while (generator->busy())
    ASSERT_TRUE(generator
                    ->step([&](const SessionEvent& event) {
                      text += event.text;
                      finish = event.finish;
                    })
                    .ok());
  EXPECT_EQ(text, " a");
  EXPECT_EQ(finish, Finish::stop_string);
  EXPECT_EQ(at, 5u);
  options.stop = {""};
  EXPECT_NE(generator->start("a", options).status().message(), "");
}

TEST_F(GeneratorTest, ASeedGivesTheSameTokensAloneAndAmongOthers) {
  const auto generator = open();
  const auto ids = prompt(20, 3);
  const auto drawn = [&](int64_t seed) {
    SessionOptions options = {.max_tokens = 30, .stop_at_end = false};
    options.sampling.temperature = 1.0f;
    options.sampling.seed = seed;
    return options;
  };
  const auto tokens_of_first = [&](int sessions) {
    std::vector<int32_t> tokens;
    const auto first = generator->start(ids, drawn(1));
    for (int i = 1; i < sessions; ++i) EXPECT_TRUE(generator->start(prompt(10 + i, 4), drawn(7 + i)).ok());
    while (generator->busy())
      EXPECT_TRUE(generator
                      ->step([&](const SessionEvent& event) {
                        if (event.session == *first && event.token >= 0) tokens.push_back(event.token);
                      })
                      .ok());
    return tokens;
  };
  const auto alone = tokens_of_first(1);
  EXPECT_EQ(alone.size(), 30u);
  EXPECT_EQ(tokens_of_first(3), alone);
  const auto other = generator->start(ids, drawn(2));
  std::vector<int32_t> tokens;
  while (generator->busy())
    ASSERT_TRUE(generator->step([&](const SessionEvent& e) { tokens.push_back(e.token); }).ok());
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(std::equal(alone.begin(), alone.end(), tokens.begin()));
  SessionOptions bad;
  bad.sampling.top_p = 2;
  EXPECT_NE(generator->start(ids, bad).status().message().find("top_p"), std::string::npos);
}

TEST_F(GeneratorTest, AnAnswerIsWhatItsGrammarAllows) {
  const auto generator = open();
  const auto grammar = *read_gbnf("root ::= \" \"? [x-z]{3,5} \";\"", "g");
  std::vector<int64_t> numbers;
  for (int64_t seed = 0; seed < 4; ++seed) {  // at once, of one grammar
    SessionOptions options = {.grammar = grammar};
    options.sampling = {.temperature = 2.0f, .seed = seed};
    numbers.push_back(*generator->start(seed % 2 == 0 ? "a" : "", options));
  }
  All all = run(*generator);
  for (const int64_t number : numbers) {
    const Told& told = all[number];
    std::string_view text = told.text;
    if (text.starts_with(' ')) text.remove_prefix(1);
    ASSERT_TRUE(text.ends_with(';')) << told.text;
    text.remove_suffix(1);
    EXPECT_TRUE(text.size() >= 3 && text.size() <= 5 && text.find_first_not_of("xyz") == text.npos) << told.text;
    EXPECT_EQ(told.finish, Finish::end_token);  // nothing more can follow
    EXPECT_TRUE(told.status.ok());
  }
  // A token that ends an answer is allowed where the text is complete, and only there.
  SessionOptions open_end;
  open_end.max_tokens = 50;
  open_end.grammar = *read_gbnf("root ::= \"x\"{2,}", "g");
  open_end.sampling.logit_bias = {{2, 1000.0f}};
  const int64_t ended = *generator->start("a", open_end);
  const Told told = run(*generator)[ended];
  EXPECT_TRUE(told.text == "xx" || told.text == "xxx") << told.text;
  EXPECT_EQ(told.tokens.back(), 2);
  open_end.stop_at_end = false;
  const int64_t endless = *generator->start("a", open_end);
  EXPECT_EQ(run(*generator)[endless].finish, Finish::max_tokens);
  open_end.choose = [](std::span<const float>) { return 3; };
  EXPECT_NE(generator->start("a", open_end).status().message().find("a grammar and a chooser"), std::string::npos);
}

TEST_F(GeneratorTest, LogitsFromAPositionOnAreTheSameLogits) {
  const auto generator = open();
  const auto ids = prompt(100, 1);
  const auto logits_from = [&](int64_t position) {
    std::map<int64_t, std::vector<float>> rows;
    SessionOptions options = {.max_tokens = 0};
    options.logits_from = position;
    options.each_logits = [&](int64_t at, std::span<const float> logits) {
      rows[at].assign(logits.begin(), logits.end());
      return Status();
    };
    EXPECT_TRUE(generator->start(ids, options).ok());
    run(*generator);
    return rows;
  };
  auto all = logits_from(0);
  EXPECT_EQ(all.size(), 100u);
  EXPECT_EQ(logits_from(1000).size(), 1u);  // the last it always is
  all.erase(all.begin(), all.find(41));
  EXPECT_EQ(logits_from(41), all);
}

TEST_F(GeneratorTest, GivesTheLogitsBehindEveryToken) {
  const auto generator = open();
  std::vector<int64_t> positions;
  std::vector<float> last;
  SessionOptions options = {.max_tokens = 0};
  options.each_logits = [&](int64_t position, std::span<const float> logits) {
    positions.push_back(position);
    last.assign(logits.begin(), logits.end());
    return Status();
  };
  const auto ids = prompt(100, 1);
  ASSERT_TRUE(generator->start(ids, options).ok());
  run(*generator);
  ASSERT_EQ(positions.size(), 100u);
  for (int64_t i = 0; i < 100; ++i) EXPECT_EQ(positions[static_cast<size_t>(i)], i);
  EXPECT_EQ(alone(*generator, ids, 1).tokens,
            (std::vector<int32_t>{static_cast<int32_t>(std::ranges::max_element(last) - last.begin())}));
}

TEST_F(GeneratorTest, RefusesWhatItCannotDoInASentence) {
  const auto error = [&](GeneratorOptions options) {
    options.model = folder_.path("model.bin");
    const auto opened = Generator::open(options);
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? std::string() : opened.status().message();
  };
  EXPECT_NE(error({.context = 301}).find("301 tokens, needed: 1 to the model's 300"), std::string::npos);
  EXPECT_NE(error({.prompt_tokens = 0}).find("needed: 1 or more"), std::string::npos);
  EXPECT_NE(error({.cache_bytes = 10}).find("limited to 10 bytes"), std::string::npos);
  const auto generator = open();
  EXPECT_NE(generator->start(std::span<const int32_t>(), {}).status().message().find("no tokens"), std::string::npos);
  EXPECT_NE(generator->start(std::vector<int32_t>{320}, {}).status().message().find("token 320, needed: 0 to 319"),
            std::string::npos);
  folder_.write("tok320.bin", llama2c_vocabulary(319));
  const auto without = open();
  EXPECT_NE(without->start("a", {}).status().message().find("319 pieces, needed: 320"), std::string::npos);
  EXPECT_EQ(alone(*without, prompt(3, 1), 2).tokens.size(), 2u);  // by ids it works
}

}  // namespace
}  // namespace lathe::run
