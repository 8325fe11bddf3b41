// lathe generate: a prompt goes on, one token after the other.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "chat_options.h"
#include "commands.h"
#include "decoder_options.h"
#include "grammar_options.h"
#include "interrupt.h"
#include "output_file.h"
#include "run/generator.h"
#include "sampling_options.h"
#include "token_timing.h"

namespace lathe::cli {
namespace {

constexpr int64_t kLongestPrompt = int64_t{64} << 20;  // bytes
constexpr int64_t kUsualTokens = 256;                  // of an answer, where nothing is said

struct Options {
  DecoderOptions decoder;
  SamplingOptions sampling;
  GrammarOptions grammar;
  ChatOptions conversation;
  std::string prompt, file, logits;
  std::vector<int32_t> prompt_ids;
  std::vector<std::string> stop;
  std::optional<int64_t> tokens;
  bool prompt_given = false, chat = false, ids = false, echo = false, ignore_end = false, quiet = false;
};

Result<run::SessionOptions> session_options(const Options& options) {
  const auto sampler = sampler_options(options.sampling);
  if (!sampler) return sampler.status();
  if (options.tokens && *options.tokens < 0)
    return invalid_argument(fmt::format("--tokens is {}, needed: 0 or more", *options.tokens));
  auto grammar = answer_grammar(options.grammar);
  if (!grammar) return grammar.status();
  run::SessionOptions session;
  session.guess = options.decoder.guesses();
  session.grammar = std::move(*grammar);
  session.max_tokens = options.tokens.value_or(kUsualTokens);
  session.stop_at_end = !options.ignore_end;
  session.stop = options.stop;
  session.sampling = *sampler;
  return session;
}

// The prompt's text: an argument, a file, or standard input where that is no terminal. Empty: the model begins.
Result<std::string> prompt_of(const Options& options) {
  if (options.prompt_given && !options.file.empty())
    return invalid_argument("a prompt and --file are both given, needed: one of them");
  if (!options.file.empty() && options.file != "-") return read_file(options.file, kLongestPrompt);
  const bool piped = !options.prompt_given && ::isatty(STDIN_FILENO) == 0;
  if (!piped && options.file != "-") return options.prompt;
  std::string text;
  char buffer[65536];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;) {
    text.append(buffer, got);
    if (static_cast<int64_t>(text.size()) > kLongestPrompt)
      return invalid_argument(
          fmt::format("standard input has more than {} bytes, needed: a prompt of at most as many", kLongestPrompt));
  }
  return std::ferror(stdin) != 0 ? Result<std::string>(io_error("cannot read standard input")) : text;
}

// Ids stand on one line, with a blank between them; text goes out as it is certain.
class Printer {
 public:
  explicit Printer(bool ids) : ids_(ids) {}

  void id(int32_t id) {
    if (ids_) fmt::print("{}{}", std::exchange(first_, false) ? "" : " ", id);
  }
  void text(std::string_view text) {
    if (!ids_ && !text.empty()) std::fwrite(text.data(), 1, text.size(), stdout);
  }
  Status flush() { return std::fflush(stdout) == 0 ? Status() : io_error("cannot write to standard output"); }

 private:
  bool ids_, first_ = true;
};

Status run_session(run::Generator& generator, std::span<const int32_t> prompt, run::SessionOptions session,
                   const Options& options) {
  TokenTiming timing;
  Printer printer(options.ids);
  const auto number = generator.start(prompt, std::move(session));
  if (!number) return number.status();
  Status end;
  while (generator.busy()) {
    const Status status = generator.step([&](const run::SessionEvent& event) {
      if (event.token >= 0) {
        timing.token();
        printer.id(event.token);
      }
      printer.text(event.text);
      if (event.finish != run::Finish::none) end = event.status;
    });
    if (!status.ok()) return status;
    if (Status flushed = printer.flush(); !flushed.ok()) return flushed;
  }
  std::fputc('\n', stdout);
  if (!options.quiet && ::isatty(STDERR_FILENO) == 1 && timing.tokens() > 0)
    fmt::print(stderr, "{}\n", timing.line(std::ssize(prompt)));
  return end;
}

Status check_prompt(const Options& o) {
  const bool by_ids = !o.prompt_ids.empty();
  if (by_ids && (o.prompt_given || !o.file.empty()))
    return invalid_argument("a prompt is given as ids and as text, needed: one of them");
  if (by_ids && o.chat) return invalid_argument("--chat and --prompt-ids are both given, needed: a message as text");
  if (!o.chat && !(o.conversation.system.empty() && o.conversation.template_file.empty()))
    return invalid_argument("--system and --template are for a message, needed: --chat");
  return {};
}

Result<std::vector<int32_t>> prompt_tokens(const run::Generator& generator, const std::string& prompt,
                                           const Options& options) {
  if (!options.prompt_ids.empty()) return options.prompt_ids;
  if (!options.chat) return generator.tokens_of(prompt);
  auto conversation = open_conversation(generator, options.conversation);
  if (!conversation) return conversation.status();
  conversation->say(prompt);
  auto made = conversation->prompt();
  if (!made) return made.status();
  return std::move(made->ids);
}

Status generate(const Options& options) {
  const auto plan = decoder_plan(options.decoder);
  if (!plan) return plan.status();
  if (Status status = check_prompt(options); !status.ok()) return status;
  auto session = session_options(options);
  if (!session) return session.status();
  const auto prompt = options.prompt_ids.empty() ? prompt_of(options) : std::string();
  if (!prompt) return prompt.status();
  end_quietly_on_signals();
  const auto generator = open_decoder(*plan);
  if (!generator) return generator.status();
  const auto ids = prompt_tokens(**generator, *prompt, options);
  if (!ids) return ids.status();
  // Who did not ask for a number is content with what the context has room for.
  if (const int64_t room = (*generator)->context() - std::ssize(*ids); !options.tokens && room > 0)
    session->max_tokens = std::min(session->max_tokens, room);
  std::optional<OutputFile> logits;
  if (!options.logits.empty()) {
    auto file = OutputFile::open(options.logits, false);
    if (!file) return file.status();
    logits.emplace(std::move(*file));
    session->each_logits = [&](int64_t, std::span<const float> row) {
      return logits->write({reinterpret_cast<const char*>(row.data()), row.size_bytes()});
    };
  }
  if (options.echo && !options.ids) fmt::print("{}", *prompt);
  Status status = run_session(**generator, *ids, std::move(*session), options);
  return status.ok() && logits ? logits->commit() : status;
}

void add_prompt(CLI::App& command, Options& o) {
  constexpr const char* kGroup = "Prompt";
  command
      .add_option_function<std::string>(
          "PROMPT", [&o](const std::string& text) { o.prompt = text, o.prompt_given = true; },
          "What the text begins with; without it, standard input, or nothing at a terminal")
      ->group(kGroup);
  command.add_option("-f,--file", o.file, "Read the prompt from a file; - for standard input")
      ->group(kGroup)
      ->type_name("FILE");
  command.add_option("--prompt-ids", o.prompt_ids, "The prompt as token ids, with commas between them")
      ->group(kGroup)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("ID,ID,...");
  command.add_flag("--chat", o.chat, "The prompt is a message, put as the model's chat template has it")->group(kGroup);
  add_chat_options(command, o.conversation, kGroup);
}

void add_answer(CLI::App& command, Options& o) {
  constexpr const char* kGroup = "Answer";
  command.add_option("-n,--tokens", o.tokens, "Tokens at most; without it 256, or what the context has room for")
      ->group(kGroup)
      ->type_name("N");
  command.add_flag("--ignore-end", o.ignore_end, "Go on behind a token that ends an answer")->group(kGroup);
  command.add_option("--stop", o.stop, "End the answer before this text; may be given several times")
      ->group(kGroup)
      ->allow_extra_args(false)
      ->type_name("TEXT");
  add_grammar_options(command, o.grammar, kGroup);
  command.add_flag("--ids", o.ids, "Print the ids of the tokens, not their text")->group(kGroup);
  command.add_flag("--echo", o.echo, "Print the prompt first")->group(kGroup);
  command
      .add_option("--logits", o.logits,
                  "Write the logits behind every token, the prompt's too: float32 [tokens, vocabulary], as they are")
      ->group(kGroup)
      ->type_name("FILE");
  command.add_flag("-q,--quiet", o.quiet, "No figures on stderr")->group(kGroup);
}

constexpr const char* kFooter = R"(
Examples:
  lathe generate "ROMEO:" --temperature 0.7           the small model that comes with lathe
  lathe generate -m MODEL "Once upon a time" -n 100   goes on for 100 tokens at most
  lathe generate -m MODEL --file story.txt --echo     the prompt, and what comes behind it
  lathe generate -m MODEL "Once" --temperature 0.8 --top-p 0.9 --seed 7
  lathe generate -m MODEL --chat "Name three rivers." --json-schema '{"type": "array", "items": {"type": "string"}}'
  lathe generate -m MODEL --prompt-ids 1,2,3 --ids    ids in, ids out, for a model without a tokenizer

Exit codes: 0 done; 1 the context is full or something failed (what came before is written); 2 a mistake in the command
line; 130 interrupted by Ctrl-C.)";

}  // namespace

void add_generate(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("generate", "A text that a decoder goes on with");
  auto options = std::make_shared<Options>();
  add_model_option(*command, options->decoder, true);
  add_prompt(*command, *options);
  add_answer(*command, *options);
  add_sampling_options(*command, options->sampling);
  add_resource_options(*command, options->decoder);
  add_guess_option(*command, options->decoder);
  add_decoder_device(*command, options->decoder);
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return generate(*options); }; });
}

}  // namespace lathe::cli
