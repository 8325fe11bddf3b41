// Sessions at once on a device: the tokens of each are those that it has alone, and the CPU's; in as few submissions.
#include <map>

#include "run/test_device_generator.h"

namespace lathe::run {
namespace {

using testing::answer;
using testing::prompt_of;
using testing::Told;

class DeviceSessions : public testing::DeviceGeneratorFixture {
 protected:
  void SetUp() override {
    DeviceGeneratorFixture::SetUp();
    if (IsSkipped()) return;
    cpu_ = open({});
    device_ = open(0);
    ASSERT_TRUE(cpu_ && device_);
  }
  int64_t start(std::span<const int32_t> prompt, const SessionOptions& options) {
    const auto session = device_->start(prompt, options);
    EXPECT_TRUE(session.ok()) << session.status().message();
    return session ? *session : 0;
  }
  void step() {
    const Status status = device_->step([this](const SessionEvent& event) {
      Told& told = told_[event.session];
      if (event.token >= 0) told.tokens.push_back(event.token);
      told.finish = event.finish, told.status = event.status;
    });
    ASSERT_TRUE(status.ok()) << status.message();
  }
  void finish() {
    while (device_->busy()) ASSERT_NO_FATAL_FAILURE(step());
  }
  void expect_as_on_cpu(int64_t session, std::span<const int32_t> prompt, const SessionOptions& options) {
    const Told expected = answer(*cpu_, prompt, options);
    EXPECT_EQ(told_[session].tokens, expected.tokens) << "session " << session;
    EXPECT_EQ(told_[session].finish, expected.finish) << "session " << session;
  }

  std::unique_ptr<Generator> cpu_, device_;
  std::map<int64_t, Told> told_;
};

SessionOptions greedy(int64_t tokens) { return {.max_tokens = tokens, .stop_at_end = false}; }

SessionOptions drawn(int64_t tokens, int64_t seed) {
  SessionOptions options = greedy(tokens);
  options.sampling.temperature = 0.9f, options.sampling.seed = seed;
  return options;
}

// Some of the same prompt, one with the logits of every token, one that has no token to come.
TEST_F(DeviceSessions, AnswerTogetherWhatEachAnswersAlone) {
  struct Asked {
    std::vector<int32_t> prompt;
    SessionOptions options;
  };
  SessionOptions watched = greedy(9);
  watched.each_logits = [](int64_t, std::span<const float>) { return Status(); };
  for (const std::vector<Asked>& all :
       {std::vector<Asked>{{prompt_of(1), greedy(30)}, {prompt_of(150), greedy(40)}, {prompt_of(20), greedy(3)}},
        {{prompt_of(20), drawn(30, 1)},
         {prompt_of(20), drawn(25, 2)},
         {prompt_of(60), greedy(50)},
         {prompt_of(12), watched},
         {prompt_of(2), greedy(0)}}}) {
    std::vector<int64_t> sessions;
    for (const Asked& asked : all) sessions.push_back(start(asked.prompt, asked.options));
    finish();
    for (size_t i = 0; i < all.size(); ++i) expect_as_on_cpu(sessions[i], all[i].prompt, all[i].options);
  }
}

TEST_F(DeviceSessions, ComeAndGo) {
  const auto first = prompt_of(40), second = prompt_of(7), third = prompt_of(130);
  const int64_t a = start(first, greedy(100)), b = start(second, greedy(5));
  for (int i = 0; i < 3; ++i) step();
  const int64_t c = start(third, greedy(150));  // beyond the first room of keys and values, while the others wait
  EXPECT_EQ(told_[b].finish, Finish::max_tokens);
  step();
  device_->cancel(a);
  step();
  EXPECT_EQ(told_[a].finish, Finish::cancelled);
  const int64_t d = start(second, drawn(20, 3));
  finish();
  expect_as_on_cpu(b, second, greedy(5));
  expect_as_on_cpu(c, third, greedy(150));
  expect_as_on_cpu(d, second, drawn(20, 3));
  const Told of_a = answer(*cpu_, first, greedy(100));
  ASSERT_LT(told_[a].tokens.size(), of_a.tokens.size());
  EXPECT_TRUE(std::equal(told_[a].tokens.begin(), told_[a].tokens.end(), of_a.tokens.begin()));
}

TEST_F(DeviceSessions, MayBeMoreThanAPassTakes) {
  constexpr int32_t kSessions = 19;
  for (int32_t i = 1; i <= kSessions; ++i) start(prompt_of(i), greedy(i));
  finish();
  for (int32_t i = 1; i <= kSessions; ++i) expect_as_on_cpu(i, prompt_of(i), greedy(i));
}

// Four tokens of each, as long as all of them have their tokens chosen on the device.
TEST_F(DeviceSessions, ShareSubmissions) {
  for (int32_t i = 1; i <= 5; ++i) start(prompt_of(i), greedy(40));
  step();  // and the prompts
  const auto submissions_of_step = [this] {
    const int64_t before = device_->device()->submissions();
    step();
    return device_->device()->submissions() - before;
  };
  EXPECT_EQ(submissions_of_step(), 1);
  EXPECT_EQ(told_[1].tokens.size(), 8u);
  start(prompt_of(1), drawn(40, 1));
  EXPECT_EQ(submissions_of_step(), 1);
  EXPECT_EQ(told_[1].tokens.size(), 12u);
  EXPECT_EQ(told_[6].tokens.size(), 4u);
  SessionOptions penalized = greedy(40);
  penalized.sampling.repetition_penalty = 1.1f;
  start(prompt_of(1), penalized);
  EXPECT_EQ(submissions_of_step(), 1);
  EXPECT_EQ(told_[1].tokens.size(), 13u);
  EXPECT_EQ(told_[7].tokens.size(), 1u);
}

// Two conversations in turns: each goes on from what it has, and a text with their first tokens disturbs neither.
TEST_F(DeviceSessions, ConversationsGoOnSideBySide) {
  std::vector<int32_t> texts[] = {prompt_of(40), prompt_of(50)};
  texts[1][3] = 9;
  for (int turn = 0; turn < 3; ++turn) {
    int64_t sessions[2];
    for (size_t i = 0; i < 2; ++i) {
      sessions[i] = start(texts[i], greedy(10));
      EXPECT_EQ(device_->cached(sessions[i]), turn == 0 ? 0 : std::ssize(texts[i]) - 6) << "turn " << turn;
    }
    EXPECT_EQ(device_->cached(start(prompt_of(10), greedy(2))), 0);
    finish();
    for (size_t i = 0; i < 2; ++i) {
      expect_as_on_cpu(sessions[i], texts[i], greedy(10));
      const auto& tokens = told_[sessions[i]].tokens;
      texts[i].insert(texts[i].end(), tokens.begin(), tokens.end());
      texts[i].insert(texts[i].end(), {7, 8, 9, 10, 11});
    }
  }
}

}  // namespace
}  // namespace lathe::run
