// lathe generate: a prompt goes on, one token after the other.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "cache_path.h"
#include "commands.h"
#include "generate_types.h"
#include "hub_path.h"
#include "interrupt.h"
#include "named.h"
#include "output_file.h"
#include "run/generator.h"
#include "size_option.h"

namespace lathe::cli {
namespace {

constexpr int64_t kLongestPrompt = int64_t{64} << 20;  // bytes

struct Options {
  run::GeneratorOptions generator;
  run::SessionOptions session;
  std::string prompt, file, dtype = "auto", kv = "f16", kv_memory, cache, logits;
  std::vector<int32_t> prompt_ids;
  std::vector<std::string> logit_bias;
  int64_t tokens = 256;
  bool prompt_given = false, ids = false, echo = false, ignore_end = false, quiet = false;
};

Result<run::GeneratorOptions> generator_options(const Options& options) {
  run::GeneratorOptions g = options.generator;
  g.hub = hub_path();
  g.cache = cache_options(options.cache);
  const auto stored = named(options.dtype, "--dtype", kGenerateTypes);
  if (!stored) return stored.status();
  g.stored = *stored;
  const auto kv = named(options.kv, "--kv", kKvTypes);
  if (!kv) return kv.status();
  g.cache_type = *kv;
  if (options.kv_memory.empty()) return g;
  const auto bytes = parse_size(options.kv_memory, "--kv-memory");
  if (!bytes) return bytes.status();
  g.cache_bytes = *bytes;
  return g;
}

// ID=NUMBER, where the number may be -inf.
Result<std::pair<int32_t, float>> bias_of(const std::string& text) {
  const size_t equals = text.find('=');
  int32_t id = 0;
  float value = 0;
  const char *begin = text.data(), *middle = begin + std::min(equals, text.size()), *end = begin + text.size();
  const auto first = std::from_chars(begin, middle, id);
  const auto second = std::from_chars(std::min(middle + 1, end), end, value);
  if (equals == std::string::npos || first.ec != std::errc() || first.ptr != middle || second.ec != std::errc() ||
      second.ptr != end)
    return invalid_argument("--logit-bias is " + shown(text) + ", needed: a token's id and a number, as 13=-2.5");
  return std::pair(id, value);
}

Result<run::SessionOptions> session_options(const Options& options) {
  run::SessionOptions session = options.session;
  session.max_tokens = options.tokens;
  session.stop_at_end = !options.ignore_end;
  for (const std::string& text : options.logit_bias) {
    const auto bias = bias_of(text);
    if (!bias) return bias.status();
    session.sampling.logit_bias.push_back(*bias);
  }
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

class Timing {
 public:
  void token() {
    if (tokens_++ == 0) first_ = Clock::now();
  }
  void report(int64_t prompt) const {
    if (tokens_ == 0) return;
    const double before = seconds(start_, first_), after = seconds(first_, Clock::now());
    fmt::print(stderr, "prompt: {} tokens, {:.2f} s to the first token", prompt, before);
    if (tokens_ > 1 && after > 0)
      fmt::print(stderr, "; answer: {} tokens, {:.1f} tokens/s", tokens_, static_cast<double>(tokens_ - 1) / after);
    fmt::print(stderr, "\n");
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }
  Clock::time_point start_ = Clock::now(), first_;
  int64_t tokens_ = 0;
};

Status run_session(run::Generator& generator, std::span<const int32_t> prompt, run::SessionOptions session,
                   const Options& options) {
  Timing timing;
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
  if (!options.quiet && ::isatty(STDERR_FILENO) == 1) timing.report(std::ssize(prompt));
  return end;
}

Status generate(const Options& options) {
  const auto o = generator_options(options);
  if (!o) return o.status();
  if (!options.prompt_ids.empty() && (options.prompt_given || !options.file.empty()))
    return invalid_argument("a prompt is given as ids and as text, needed: one of them");
  auto session = session_options(options);
  if (!session) return session.status();
  if (options.tokens < 0) return invalid_argument(fmt::format("--tokens is {}, needed: 0 or more", options.tokens));
  const auto prompt = options.prompt_ids.empty() ? prompt_of(options) : std::string();
  if (!prompt) return prompt.status();
  end_quietly_on_signals();
  const auto generator = run::Generator::open(*o);
  if (!generator) return generator.status();
  const auto ids = options.prompt_ids.empty() ? (*generator)->tokens_of(*prompt) : options.prompt_ids;
  if (!ids) return ids.status();
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
      ->type_name("IDS");
}

void add_answer(CLI::App& command, Options& o) {
  constexpr const char* kGroup = "Answer";
  command.add_option("-n,--tokens", o.tokens, "Tokens at most")->group(kGroup)->type_name("N")->capture_default_str();
  command.add_flag("--ignore-end", o.ignore_end, "Go on behind a token that ends an answer")->group(kGroup);
  command.add_option("--stop", o.session.stop, "End the answer before this text; may be given several times")
      ->group(kGroup)
      ->allow_extra_args(false)
      ->type_name("TEXT");
  command.add_flag("--ids", o.ids, "Print the ids of the tokens, not their text")->group(kGroup);
  command.add_flag("--echo", o.echo, "Print the prompt first")->group(kGroup);
  command
      .add_option("--logits", o.logits,
                  "Write the logits behind every token, the prompt's too: float32 [tokens, vocabulary], as they are")
      ->group(kGroup)
      ->type_name("FILE");
  command.add_flag("-q,--quiet", o.quiet, "No figures on stderr")->group(kGroup);
}

void add_sampling(CLI::App& command, Options& o) {
  constexpr const char* kGroup = "Sampling";
  sample::SamplerOptions& s = o.session.sampling;
  const auto number = [&](const char* name, auto& value, const char* what) {
    command.add_option(name, value, what)->group(kGroup)->type_name("X")->capture_default_str();
  };
  number("--temperature", s.temperature, "0: always the most probable token; 1: as the model has it");
  number("--top-k", s.top_k, "Keep the k most probable tokens; 0: all");
  number("--top-p", s.top_p, "Keep the most probable tokens that together have this probability");
  number("--min-p", s.min_p, "Keep tokens with at least this share of the most probable one's probability");
  number("--repetition-penalty", s.repetition_penalty, "Divides logits of tokens that were there; 1: none");
  number("--presence-penalty", s.presence_penalty, "Subtracted from logits of tokens that the answer has");
  number("--frequency-penalty", s.frequency_penalty, "Subtracted for every time that the answer has a token");
  number("--seed", s.seed, "The same seed gives the same text on every machine");
  command.add_option("--logit-bias", o.logit_bias, "Added to the logit of a token, as 13=-2.5, or 13=-inf to ban it")
      ->group(kGroup)
      ->allow_extra_args(false)
      ->type_name("ID=X");
}

void add_resources(CLI::App& command, Options& o) {
  constexpr const char* kGroup = "Resources";
  command.add_option("--dtype", o.dtype, kGenerateTypesHelp)->group(kGroup)->type_name("TYPE")->capture_default_str();
  command.add_option("--kv", o.kv, "How keys and values are kept: f16, bf16 or f32")
      ->group(kGroup)
      ->type_name("TYPE")
      ->capture_default_str();
  command.add_option("--kv-memory", o.kv_memory, "What keys and values may take, as 512M or 2G; without it, no limit")
      ->group(kGroup)
      ->type_name("SIZE");
  command.add_option("--context", o.generator.context, "Tokens of prompt and answer; 0: what the model takes")
      ->group(kGroup)
      ->type_name("N")
      ->capture_default_str();
  command.add_option("--prompt-tokens", o.generator.prompt_tokens, "Tokens of the prompt that share a pass")
      ->group(kGroup)
      ->type_name("N")
      ->capture_default_str();
  command.add_option("--threads", o.generator.threads, "0: what the machine recommends")
      ->group(kGroup)
      ->type_name("N")
      ->capture_default_str();
}

constexpr const char* kFooter = R"(
Examples:
  lathe generate -m MODEL "Once upon a time" -n 100   goes on for 100 tokens at most
  lathe generate -m MODEL --file story.txt --echo     the prompt, and what comes behind it
  lathe generate -m MODEL "Once" --temperature 0.8 --top-p 0.9 --seed 7
  lathe generate -m MODEL --prompt-ids 1,2,3 --ids    ids in, ids out, for a model without a tokenizer

Exit codes: 0 done; 1 the context is full or something failed (what came before is written); 2 a mistake in the command
line; 130 interrupted by Ctrl-C.)";

}  // namespace

void add_generate(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("generate", "A text that a decoder goes on with");
  auto options = std::make_shared<Options>();
  command
      ->add_option("-m,--model", options->generator.model,
                   "A model's folder or file (safetensors, GGUF, llama2.c), or its name in the Hugging Face cache")
      ->required()
      ->type_name("MODEL");
  add_prompt(*command, *options);
  add_answer(*command, *options);
  add_sampling(*command, *options);
  add_resources(*command, *options);
  add_cache_option(*command, options->cache);
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return generate(*options); }; });
}

}  // namespace lathe::cli
