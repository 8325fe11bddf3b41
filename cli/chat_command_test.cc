// lathe chat as a shell and a terminal see it.
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <string>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"
#include "shell.h"

namespace {

using lathe::FakeFolder;
using lathe::cli::Outcome;
using lathe::cli::read_all;
using lathe::cli::shell;

constexpr lathe::Llama2cHeader kHeader = lathe::small_llama2c(300, 20000, true);

class ChatCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("tok300.bin", lathe::llama2c_vocabulary(300));
    folder_.write("model.bin", lathe::llama2c_bytes(kHeader));
    folder_.write("plain.jinja",
                  "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}assistant:");
  }
  std::string arguments() const {
    return "--cache off -m " + folder_.path("model.bin") + " --template " + folder_.path("plain.jinja") + " ";
  }
  Outcome chat(const std::string& options, const std::string& input) {
    folder_.write("input", input);
    return shell("\"" LATHE_BINARY "\" chat " + arguments() + options + " <" + folder_.path("input"));
  }
  // What a prompt is answered with, no conversation around it.
  std::string generated(const std::string& prompt, const std::string& options) {
    folder_.write("prompt", prompt);
    return shell("\"" LATHE_BINARY "\" generate --cache off -m " + folder_.path("model.bin") + " --file " +
                 folder_.path("prompt") + " " + options)
        .out;
  }
  FakeFolder folder_{"chat_command"};
};

TEST_F(ChatCommand, EachLineIsAMessageAndEachAnswerIsPrinted) {
  const std::string first = generated("user:abc;assistant:", "-n 8");
  ASSERT_FALSE(first.empty());
  const std::string second =
      generated("user:abc;assistant:" + first.substr(0, first.size() - 1) + ";user:de;assistant:", "-n 8");
  const Outcome told = chat("-n 8", "abc\n\nde\n");
  EXPECT_EQ(told.exit, 0) << told.err;
  EXPECT_EQ(told.err, "");
  EXPECT_EQ(told.out, first + second);
  EXPECT_EQ(chat("-n 8", "abc\n/clear\nabc").out, first + first);
  EXPECT_EQ(chat("-n 8", "abc\n/regen\n").out, first + first);
  EXPECT_EQ(chat("-n 8", "abc\n/quit\nde\n").out, first);
}

TEST_F(ChatCommand, MessagesOfSeveralLines) {
  const std::string answer = generated("user:ab\ncd;assistant:", "-n 8");
  EXPECT_EQ(chat("-n 8", "ab\\\ncd\n").out, answer);
  EXPECT_EQ(chat("-n 8", "\"\"\"ab\ncd\"\"\"\n").out, answer);
  EXPECT_EQ(chat("-n 8", "\"\"\"\nab\ncd\n\"\"\"\n").out, answer);
  EXPECT_EQ(chat("-n 8", "\"\"\"ab\ncd").out, answer);  // cut off
  const std::string slash = generated("user: /quit;assistant:", "-n 8");
  EXPECT_EQ(chat("-n 8", " /quit\n").out, slash);
}

TEST_F(ChatCommand, ASystemMessageAndConversationsThatAreSaved) {
  const std::string answer = generated("system:be b;user:abc;assistant:", "-n 8");
  EXPECT_EQ(chat("-n 8 --system 'be b'", "abc\n").out, answer);
  EXPECT_EQ(chat("-n 8", "/system be b\nabc\n").out, answer);
  EXPECT_EQ(chat("-n 8 --system x", "/system -\nabc\n").out, generated("user:abc;assistant:", "-n 8"));
  const Outcome saved = chat("-n 8 --system 'be b'", "abc\n/save " + folder_.path("talk.json") + "\nde\n");
  EXPECT_EQ(saved.exit, 0) << saved.err;
  const auto json = nlohmann::json::parse(read_all(folder_.path("talk.json")));
  ASSERT_EQ(json.size(), 3u);
  EXPECT_EQ(json[0]["content"], "be b");
  EXPECT_EQ(json[2]["role"], "assistant");
  const Outcome loaded = chat("-n 8", "/load " + folder_.path("talk.json") + "\nde\n");
  EXPECT_EQ(answer + loaded.out, saved.out);
}

TEST_F(ChatCommand, WhatGoesWrongIsASentenceAndTheConversationGoesOn) {
  const std::string answer = generated("user:abc;assistant:", "-n 8");
  const Outcome told =
      chat("-n 8 --context 40", "abc\n" + std::string(100, 'x') + "\n/nothing\n/clear x\n/clear\nabc\n");
  EXPECT_EQ(told.exit, 1);
  EXPECT_EQ(told.out, answer + answer);
  EXPECT_NE(told.err.find("the context 40; /clear begins anew\n"), std::string::npos) << told.err;
  EXPECT_NE(told.err.find("there is no command '/nothing'; /help lists them"), std::string::npos) << told.err;
  EXPECT_NE(told.err.find("/clear takes no argument, found 'x'"), std::string::npos) << told.err;
  EXPECT_NE(told.err.find("lathe: 3 of the messages and commands went wrong\n"), std::string::npos) << told.err;
  const Outcome full = chat("--context 40", "abc\n/clear\nabc\n");
  EXPECT_NE(full.err.find("the context of 40 tokens is full"), std::string::npos) << full.err;
  EXPECT_EQ(full.exit, 1);
}

TEST_F(ChatCommand, ErrorsBeforeTheFirstMessage) {
  const auto expect = [&](const std::string& line, int exit, const std::string& words) {
    const Outcome o = shell("\"" LATHE_BINARY "\" chat " + line);
    EXPECT_EQ(o.exit, exit) << line;
    EXPECT_NE(o.err.find(words), std::string::npos) << o.err;
  };
  const std::string model = "--cache off -m " + folder_.path("model.bin") + " ";
  expect(model, 1, "model.bin: a file of llama2.c has no chat template; --template FILE names one");
  expect(model + "--template /no/such/file", 1, "/no/such/file");
  expect(arguments() + "-n 0", 2, "--tokens is 0");
  expect(arguments() + "--top-p 2", 2, "top_p is 2");
  expect(arguments() + "--dispatch x", 2, "--dispatch is 'x', needed: one of op, layer, model");
}

// The binary at a terminal of its own.
class Terminal {
 public:
  explicit Terminal(const std::string& line) {
    const std::string all = "exec \"" LATHE_BINARY "\" " + line;
    child_ = ::forkpty(&fd_, nullptr, nullptr, nullptr);
    if (child_ == 0) {
      ::setenv("TERM", "vt100", 1);
      ::execl("/bin/sh", "sh", "-c", all.c_str(), nullptr);
      ::_exit(127);
    }
  }
  ~Terminal() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(fd_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(const std::string& keys) { EXPECT_EQ(::write(fd_, keys.data(), keys.size()), std::ssize(keys)); }
  // Whether these words come, behind those that were waited for before.
  bool shows(const std::string& words) {
    size_t found = 0;
    while ((found = shown_.find(words, at_)) == std::string::npos)
      if (!read()) return false;
    at_ = found + words.size();
    return true;
  }
  // The prompt, and that keys are taken one by one behind it: the editor shows it first, and a Ctrl-D in between would
  // be the kernel's.
  bool shows_prompt() {
    if (!shows("> ")) return false;
    for (int ms = 0; ms < kPatienceMs; ++ms) {
      termios mode{};
      if (::tcgetattr(fd_, &mode) != 0) return false;
      if ((mode.c_lflag & ICANON) == 0) return true;
      ::usleep(1000);
    }
    return false;
  }
  bool shows_more(size_t bytes) {
    while (shown_.size() < at_ + bytes)
      if (!read()) return false;
    return true;
  }
  int exit() {
    while (read()) {
    }
    int status = 0;
    ::waitpid(std::exchange(child_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& shown() const { return shown_; }

 private:
  static constexpr int kPatienceMs = 60'000;

  bool read() {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, kPatienceMs) <= 0) return false;
    char buffer[4096];
    const ssize_t got = ::read(fd_, buffer, sizeof buffer);
    if (got <= 0) return false;  // it has ended
    shown_.append(buffer, static_cast<size_t>(got));
    return true;
  }

  int fd_ = -1;
  pid_t child_ = -1;
  std::string shown_;
  size_t at_ = 0;
};

TEST_F(ChatCommand, CtrlCStopsAnAnswerAndTwiceTheProgram) {
  // Banned is what would end the answer: it goes on for the whole context unless it is stopped.
  Terminal terminal("chat " + arguments() + "--logit-bias 2=-inf");
  ASSERT_TRUE(terminal.shows_prompt()) << terminal.shown();
  terminal.type("abc\r");
  ASSERT_TRUE(terminal.shows("abc\r\n")) << terminal.shown();
  ASSERT_TRUE(terminal.shows_more(20)) << terminal.shown();  // the answer has begun
  terminal.type("\x03");
  ASSERT_TRUE(terminal.shows("tokens/s")) << terminal.shown();
  ASSERT_TRUE(terminal.shows_prompt()) << terminal.shown();
  EXPECT_EQ(terminal.shown().find("interrupted"), std::string::npos);
  terminal.type("/clear\r");
  ASSERT_TRUE(terminal.shows("a new conversation")) << terminal.shown();
  ASSERT_TRUE(terminal.shows_prompt()) << terminal.shown();
  terminal.type("half a line\x03");
  ASSERT_TRUE(terminal.shows("Ctrl-C again ends the program")) << terminal.shown();
  ASSERT_TRUE(terminal.shows_prompt()) << terminal.shown();
  terminal.type("\x03");
  EXPECT_EQ(terminal.exit(), 0) << terminal.shown();
}

TEST_F(ChatCommand, CtrlDEndsAndLinesComeBack) {
  Terminal terminal("chat " + arguments() + "-n 4");
  ASSERT_TRUE(terminal.shows_prompt()) << terminal.shown();
  terminal.type("half a line\x03");
  ASSERT_TRUE(terminal.shows("Ctrl-C again ends the program")) << terminal.shown();
  ASSERT_TRUE(terminal.shows_prompt()) << terminal.shown();
  terminal.type("abc\r");
  ASSERT_TRUE(terminal.shows("first token")) << terminal.shown();
  ASSERT_TRUE(terminal.shows_prompt()) << terminal.shown();
  terminal.type("\x1b[A");  // the key for the line before
  EXPECT_TRUE(terminal.shows("abc")) << terminal.shown();
  terminal.type("\r");
  ASSERT_TRUE(terminal.shows("cached)")) << terminal.shown();
  ASSERT_TRUE(terminal.shows_prompt()) << terminal.shown();
  terminal.type("\x04");
  EXPECT_EQ(terminal.exit(), 0) << terminal.shown();
}

}  // namespace
