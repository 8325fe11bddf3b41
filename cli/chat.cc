// lathe chat: a conversation with a model.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat_options.h"
#include "chat_session.h"
#include "commands.h"
#include "decoder_options.h"
#include "interrupt.h"
#include "line_editor.h"
#include "line_reader.h"
#include "sampling_options.h"

namespace lathe::cli {
namespace {

struct Options {
  DecoderOptions decoder;
  SamplingOptions sampling;
  ChatOptions chat;
  std::vector<std::string> stop;
  std::optional<int64_t> tokens;
  bool quiet = false;
};

Result<run::SessionOptions> session_options(const Options& options) {
  const auto sampler = sampler_options(options.sampling);
  if (!sampler) return sampler.status();
  if (options.tokens && *options.tokens < 1)
    return invalid_argument(fmt::format("--tokens is {}, needed: 1 or more", *options.tokens));
  run::SessionOptions session;
  session.guess = options.decoder.guesses();
  session.sampling = *sampler;
  session.max_tokens = options.tokens.value_or(-1);
  session.stop = options.stop;
  return session;
}

Result<Input> next_of(LineReader& lines, std::string& line) {
  const auto more = lines.next(line);
  if (!more) return more.status();
  if (lines.is_too_long())
    return invalid_argument(fmt::format("a line has more than {} bytes, needed: at most as many", lines.kLongestLine));
  return *more ? Input::line : Input::end;
}

Status talk(ChatSession& session, bool terminal) {
  if (!terminal) {
    LineReader lines(STDIN_FILENO, "standard input");
    return session.run([&lines](std::string& line, const char*) { return next_of(lines, line); });
  }
  auto editor = LineEditor::open();
  if (!editor) return editor.status();
  return session.run([&editor](std::string& line, const char* prompt) { return editor->read(line, prompt); },
                     [&editor] { editor->interrupt(); });
}

Status chat(const Options& options, const CLI::App& command) {
  const auto plan = decoder_plan(options.decoder);
  if (!plan) return plan.status();
  auto session = session_options(options);
  if (!session) return session.status();
  end_quietly_on_signals();
  const auto generator = open_decoder(*plan);
  if (!generator) return generator.status();
  const auto recommended = (*generator)->recommended_sampling();
  if (!recommended) return recommended.status();
  adopt(command, *recommended, session->sampling);
  if (Status status = sample::check(session->sampling, (*generator)->config().vocabulary); !status.ok()) return status;
  auto conversation = open_conversation(**generator, options.chat);
  if (!conversation) return conversation.status();
  const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  if (terminal && !options.quiet)
    fmt::print(stderr, "\033[2m{}, a context of {} tokens. /help says what can be done here.\033[0m\n",
               plan->generator.model, (*generator)->context());
  ChatSession talking(**generator, std::move(*conversation), std::move(*session), terminal, !options.quiet);
  return talk(talking, terminal);
}

constexpr const char* kFooter = R"(
Examples:
  lathe chat -m MODEL                                  a conversation; /help lists what can be typed
  lathe chat -m MODEL --temperature 0                  not as the model's makers advise, but the likeliest token always
  lathe chat -m MODEL --system "Answer in one word." --temperature 0.7 --top-p 0.9
  printf 'Hello\nAnd now?\n' | lathe chat -m MODEL     each line a message, each answer printed behind it

Exit codes: 0 ended; 1 something failed, or, without a terminal, a message or command went wrong; 2 a mistake in the
command line.)";

}  // namespace

void add_chat(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("chat", "A conversation with a model, by its own chat template");
  auto options = std::make_shared<Options>();
  Options& o = *options;
  add_model_option(*command, o.decoder, false);  // the one that comes with lathe does not talk
  constexpr const char* kGroup = "Conversation";
  add_chat_options(*command, o.chat, kGroup);
  command->add_option("-n,--tokens", o.tokens, "Tokens of an answer at most; without it, what the context has room for")
      ->group(kGroup)
      ->type_name("N");
  command->add_option("--stop", o.stop, "End an answer before this text; may be given several times")
      ->group(kGroup)
      ->allow_extra_args(false)
      ->type_name("TEXT");
  command->add_flag("-q,--quiet", o.quiet, "No figures behind an answer")->group(kGroup);
  add_sampling_options(*command, o.sampling);
  add_resource_options(*command, o.decoder);
  add_guess_option(*command, o.decoder);
  add_decoder_device(*command, o.decoder);
  command->footer(kFooter);
  command->callback([options, command, &chosen] { chosen = [=] { return chat(*options, *command); }; });
}

}  // namespace lathe::cli
