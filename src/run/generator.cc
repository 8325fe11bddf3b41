#include "run/generator.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <utility>

#include "run/stored_type.h"

namespace lathe::run {
namespace {

// Sessions that ended whose keys and values stay for a prompt that begins alike: a conversation goes on from the last,
// and few go on at once.
constexpr size_t kKept = 4;

// A token maps 64 KiB of the embedding table around its row. After so many the pages leave the process: 64 MiB at most,
// and a fault of 1 us at the next look-up of each row, of 28 ms that a token takes.
constexpr int64_t kGatheredAtMost = 1024;

// Logits of that many tokens are held where every token's are asked for: 20 MB at 151,936 tokens.
constexpr int64_t kMostRows = 32;

int64_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

bool all_finite(std::span<const float> values) {
  // A sum of zeros is NaN as soon as one is: 0 * x is NaN for infinities and NaN. Eight sums, so that it vectorises.
  float sums[8] = {};
  for (size_t i = 0; i < values.size(); ++i) sums[i % 8] += values[i] * 0.0f;
  return std::ranges::all_of(sums, [](float sum) { return sum == 0.0f; });
}

}  // namespace

Status Generator::configure(const GeneratorOptions& options) {
  const int64_t most = config().positions;
  if (options.context < 0 || options.context > most)
    return invalid_argument("the context is " + std::to_string(options.context) + " tokens, needed: 1 to the model's " +
                            std::to_string(most));
  context_ = options.context == 0 ? most : options.context;
  if (options.prompt_tokens < 1)
    return invalid_argument("the prompt's tokens of a pass are " + std::to_string(options.prompt_tokens) +
                            ", needed: 1 or more");
  prompt_tokens_ = options.prompt_tokens;
  if (options.device) return open_device(options);
  decoder_->set_dispatch(options.dispatch);
  const ops::KvShape shape = decoder_->kv_shape(options.cache_type);
  const int64_t pages = options.cache_bytes / shape.page_bytes();
  if (options.cache_bytes < 0 || (options.cache_bytes > 0 && pages < 1))
    return invalid_argument("the cache of keys and values is limited to " + std::to_string(options.cache_bytes) +
                            " bytes, needed: a page of " + std::to_string(shape.page_bytes()) + " or more");
  pool_ = std::make_unique<ops::KvPool>(shape, pages);
  return {};
}

Result<std::unique_ptr<Generator>> Generator::open(const GeneratorOptions& options) {
  if (options.stored)
    if (Status status = check_stored(*options.stored, kGenerateTypes); !status.ok()) return status;
  const auto files = resolve_model(options.model, options.hub);
  if (!files) return files.status();
  auto opened = models::DecoderFiles::open(*files);
  if (!opened) return opened.status();
  std::unique_ptr<Generator> generator(new Generator);
  Generator& g = *generator;
  g.files_ = std::move(*opened);
  // Read while the weights are bound.
  auto loading = std::async(std::launch::async, [&g] { return g.files_.tokenizer(); });
  std::vector<const MappedFile*> sources;
  g.files_.each_file([&sources](const MappedFile& file) { sources.push_back(&file); });
  const bool folder = files->format == ModelFiles::Format::safetensors;
  g.store_ = std::make_unique<ModelStore>(options.cache, std::move(sources), folder ? files->folder : files->weights,
                                          options.stored, "decoder");
  auto team = Team::create({.threads = options.threads});
  if (!team) return team.status();
  g.team_ = std::move(*team);
  auto decoder = g.files_.bind(options.stored, *g.team_, g.store_.get());
  auto tokenizer = loading.get();
  if (!decoder) return decoder.status();
  g.store_->finish();
  g.decoder_ = std::move(*decoder);
  if (tokenizer)
    g.tokenizer_ = std::move(*tokenizer);
  else
    g.no_tokenizer_ = tokenizer.status();
  auto end_ids = g.files_.stop_tokens(g.tokenizer_ ? &*g.tokenizer_ : nullptr);
  if (!end_ids) return end_ids.status();
  g.end_ids_ = std::move(*end_ids);
  g.give_back_tables(kGatheredAtMost);
  if (Status status = g.configure(options); !status.ok()) return status;
  return generator;
}

Result<const tokenize::Tokenizer*> Generator::tokenizer() const {
  if (!tokenizer_) return no_tokenizer_;
  return &*tokenizer_;
}

Result<chat::ChatTemplate> Generator::chat_template() const {
  const auto words = tokenizer();
  if (!words) return words.status();
  return files_.chat_template(**words);
}

int64_t Generator::cached(int64_t session) const {
  const auto found = std::ranges::find(sessions_, session, [](const auto& one) { return one->id; });
  return found == sessions_.end() ? 0 : (*found)->cached;
}

Status Generator::check_prompt(std::span<const int32_t> prompt) const {
  if (prompt.empty()) return invalid_argument("the prompt has no tokens, needed: one or more");
  if (static_cast<int64_t>(prompt.size()) > context_)
    return invalid_argument("the prompt has " + std::to_string(prompt.size()) +
                            " tokens, needed: at most those of the context, " + std::to_string(context_));
  for (const int32_t id : prompt)
    if (id < 0 || id >= config().vocabulary)
      return invalid_argument("the prompt has token " + std::to_string(id) + ", needed: 0 to " +
                              std::to_string(config().vocabulary - 1));
  return {};
}

// The longest beginning of the prompt that is cached somewhere. Its last token always has its pass: it gives the
// logits.
ops::KvText Generator::reuse(std::span<const int32_t> prompt) const {
  const ops::KvText* best = nullptr;
  int64_t length = 0;
  const auto consider = [&](std::span<const int32_t> ids, const ops::KvText& text) {
    const int64_t common = std::min({common_prefix(ids, prompt), text.length(), std::ssize(prompt) - 1});
    if (common <= length) return;
    length = common;
    best = &text;
  };
  for (const Kept& kept : kept_) consider(kept.ids, kept.text);
  for (const auto& session : sessions_) consider(session->ids, session->text);
  return best == nullptr ? ops::KvText(*pool_) : best->fork(length);
}

Status Generator::begin_grammar(Session& session) {
  if (session.options.choose) return invalid_argument("a grammar and a chooser are both given, needed: one of them");
  if (!tokenizer_) return unsupported("a grammar needs text: " + no_tokenizer_.message());
  if (!trie_) {
    auto trie = grammar::TokenTrie::of(*tokenizer_, config().vocabulary);
    if (!trie) return trie.status();
    trie_ = std::make_shared<const grammar::TokenTrie>(std::move(*trie));
  }
  auto matcher = grammar::Matcher::create(session.options.grammar, trie_, config().vocabulary,
                                          session.options.stop_at_end ? end_ids_ : std::vector<int32_t>());
  if (!matcher) return matcher.status();
  session.matcher.emplace(std::move(*matcher));
  return {};
}

// What chooses its tokens, and what makes text of them.
Status Generator::begin_answer(Session& session) {
  if (session.options.grammar)
    if (Status status = begin_grammar(session); !status.ok()) return status;
  if (!session.options.choose) {
    auto sampler = sample::Sampler::create(session.options.sampling, config().vocabulary);
    if (!sampler) return sampler.status();
    session.sampler.emplace(std::move(*sampler));
    if (Status status = session.sampler->start(session.ids); !status.ok()) return status;
  }
  if (!tokenizer_)
    return session.options.stop.empty() ? Status() : unsupported("stop strings need text: " + no_tokenizer_.message());
  auto stops = sample::StopStrings::create(session.options.stop);
  if (!stops) return stops.status();
  // A blank that a grammar has seen is one of the text.
  const bool begins =
      !session.matcher && std::ranges::all_of(session.ids, [this](int32_t id) { return tokenizer_->is_special(id); });
  session.stream.emplace(*tokenizer_, std::move(*stops), false, begins);
  return {};
}

Result<int32_t> Generator::choose(Session& session, std::span<const float> logits) const {
  if (session.sampler) {
    std::span<const uint64_t> mask;
    if (session.matcher) {
      const auto allowed = session.matcher->allowed();
      if (!allowed) return allowed.status();
      mask = *allowed;
    }
    auto token = session.sampler->sample(logits, mask);
    if (!token) return token;
    if (Status status = session.sampler->accept(*token); !status.ok()) return status;
    if (session.matcher)
      if (Status status = session.matcher->accept(*token); !status.ok()) return status;
    return token;
  }
  const int32_t token = session.options.choose(logits);
  if (token >= 0 && token < config().vocabulary) return token;
  return failed("the token that was chosen is " + std::to_string(token) + ", needed: 0 to " +
                std::to_string(config().vocabulary - 1));
}

Result<int64_t> Generator::start(std::span<const int32_t> prompt, SessionOptions options) {
  if (Status status = check_prompt(prompt); !status.ok()) return status;
  if (options.guess < 0 || options.guess >= kMostRows)
    return invalid_argument("the tokens to guess are " + std::to_string(options.guess) + ", needed: 0 to " +
                            std::to_string(kMostRows - 1));
  // Where every token's logits are wanted, every token has its pass.
  ops::KvText cached = device_ || options.each_logits ? ops::KvText(*pool_) : reuse(prompt);
  auto session = std::make_unique<Session>(next_++, std::move(cached), std::move(options));
  session->ids.assign(prompt.begin(), prompt.end());
  session->prompt = std::ssize(prompt);
  if (Status status = begin_answer(*session); !status.ok()) return status;
  if (device_ && !session->options.each_logits) take_kept(*session);
  session->cached = session->text.length();
  sessions_.push_back(std::move(session));
  return sessions_.back()->id;
}

Result<std::vector<int32_t>> Generator::tokens_of(std::string_view text) const {
  const auto words = tokenizer();
  if (!words) return words.status();
  auto encoded = (*words)->encode(text);
  if (!encoded) return encoded.status();
  return std::move(encoded->ids);
}

Result<int64_t> Generator::start(std::string_view prompt, SessionOptions options) {
  const auto ids = tokens_of(prompt);
  if (!ids) return ids.status();
  return start(*ids, std::move(options));
}

void Generator::cancel(int64_t session) {
  const std::lock_guard lock(cancel_mutex_);
  to_cancel_.push_back(session);
  interrupt_.store(true);
}

// `token` is the one that ends an answer, and no part of its text.
void Generator::end(Session& session, Finish finish, Status status, const Each& each, int32_t token) {
  session.ended = true;
  SessionEvent event = {.session = session.id, .token = token, .finish = finish, .status = std::move(status)};
  std::string rest;
  if (session.stream) session.stream->finish(rest);
  event.text = rest;
  each(event);
}

void Generator::end_cancelled(const Each& each) {
  std::vector<int64_t> ids;
  {
    const std::lock_guard lock(cancel_mutex_);
    ids.swap(to_cancel_);
    interrupt_.store(false);
  }
  for (const auto& session : sessions_)
    if (std::ranges::find(ids, session->id) != ids.end())
      end(*session, Finish::cancelled, failed("the session was cancelled"), each);
}

// Sessions that ended leave; what they have in the cache stays for a while.
void Generator::remove_ended() {
  for (auto& session : sessions_)
    if (session->ended)
      kept_.push_back({std::move(session->ids), std::move(session->text), std::move(session->on_device)});
  std::erase_if(sessions_, [](const auto& session) { return session->ended; });
  if (kept_.size() > kKept) kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(kKept));
}

// What is kept goes, the oldest first, before a session that lives gets no page.
Status Generator::reserve_pages(Session& session, int64_t count) {
  for (;;) {
    Status status = session.text.reserve(session.text.length() + count);
    if (status.ok() || kept_.empty()) return status;
    kept_.erase(kept_.begin());
  }
}

// Up to `budget` of its pending tokens. False where it ended instead.
bool Generator::add_tokens(Session& session, int64_t budget, const Each& each) {
  // Logits are wanted behind the tokens from `wanted` on.
  const int64_t length = session.text.length(), last = std::ssize(session.ids) - 1;
  const int64_t from = session.options.each_logits ? std::min(session.options.logits_from, last) : last;
  const int64_t wanted = std::max(from, length);
  const int64_t count = std::min({session.pending(), budget, wanted + kMostRows - length});
  if (Status status = reserve_pages(session, count); !status.ok()) {
    end(session, Finish::failed, std::move(status), each);
    return false;
  }
  const auto first = session.ids.begin() + length;
  ids_.insert(ids_.end(), first, first + count);
  const int64_t rows = std::max<int64_t>(0, length + count - wanted);
  for (int64_t i = rows; i > 0; --i) rows_.push_back(std::ssize(ids_) - i);
  offsets_.push_back(std::ssize(ids_));
  texts_.push_back(&session.text);
  turns_.push_back({&session, count, rows, 0});
  return true;
}

// Behind the token of the only session that has one.
void Generator::add_guess(Session& session) {
  int64_t room = context_ - std::ssize(session.ids);
  if (session.options.max_tokens >= 0) room = std::min(room, session.options.max_tokens - session.answered() - 1);
  const auto guess = session.lookup.guess(session.ids, room);
  if (guess.empty() || !session.text.reserve(session.text.length() + 1 + std::ssize(guess)).ok()) return;
  ids_.insert(ids_.end(), guess.begin(), guess.end());
  for (int64_t i = std::ssize(guess); i > 0; --i) rows_.push_back(std::ssize(ids_) - i);
  offsets_.back() = std::ssize(ids_);
  Turn& turn = turns_.back();
  turn.guessed = std::ssize(guess);
  turn.tokens += turn.guessed;
  turn.rows += turn.guessed;
}

// Every session whose prompt is done has one token; what is left of prompts shares the budget, the oldest first.
void Generator::fill_batch(const Each& each) {
  turns_.clear();
  ids_.clear();
  offsets_.assign(1, 0);
  rows_.clear();
  texts_.clear();
  for (const auto& session : sessions_)
    if (!session->ended && session->pending() == 1) add_tokens(*session, 1, each);
  if (turns_.size() == 1 && sessions_.size() == 1) add_guess(*turns_.front().session);
  int64_t budget = prompt_tokens_;
  for (const auto& session : sessions_) {
    if (budget == 0) break;
    if (!session->ended && session->pending() > 1 && add_tokens(*session, budget, each)) budget -= turns_.back().tokens;
  }
}

void Generator::take_logits(Session& session, int64_t position, std::span<const float> logits, const Each& each) {
  const SessionOptions& options = session.options;
  if (!all_finite(logits))
    return end(session, Finish::failed,
               failed("the logits behind token " + std::to_string(position) + " are not all finite numbers"), each);
  if (options.each_logits)
    if (Status status = options.each_logits(position, logits); !status.ok())
      return end(session, Finish::failed, std::move(status), each);
  if (position + 1 < std::ssize(session.ids)) return;  // a token of the prompt
  if (options.max_tokens == 0) return end(session, Finish::max_tokens, {}, each);
  const auto chosen = choose(session, logits);
  if (!chosen) return end(session, Finish::failed, chosen.status(), each);
  take_token(session, *chosen, each);
}

// The new token, and whether it is the last.
void Generator::take_token(Session& session, int32_t token, const Each& each) {
  const SessionOptions& options = session.options;
  session.ids.push_back(token);
  if (options.stop_at_end && std::ranges::find(end_ids_, token) != end_ids_.end())
    return end(session, Finish::end_token, {}, each, token);
  std::string text;
  if (session.stream)
    if (Status status = session.stream->push(token, text); !status.ok())
      return end(session, Finish::failed, std::move(status), each);
  each({.session = session.id, .token = token, .text = text});
  if (session.stream && session.stream->stopped()) return end(session, Finish::stop_string, {}, each);
  if (session.matcher && session.matcher->complete()) return end(session, Finish::end_token, {}, each);
  if (session.answered() == options.max_tokens) return end(session, Finish::max_tokens, {}, each);
  if (std::ssize(session.ids) < context_) return;
  end(session, Finish::context_full,
      failed("the context of " + std::to_string(context_) + " tokens is full, the prompt's " +
             std::to_string(session.prompt) + " among them"),
      each);
}

// The logits of its rows, [rows, vocabulary]. Those behind a guess count as long as the guesses were right.
void Generator::take_turn(const Turn& turn, std::span<const float> logits, const Each& each) {
  Session& session = *turn.session;
  const auto vocabulary = static_cast<size_t>(config().vocabulary);
  const int64_t first = session.text.length() - turn.rows;
  const auto guesses = std::span(ids_).last(static_cast<size_t>(turn.guessed));
  int64_t right = 0;
  for (int64_t i = 0; i < turn.rows && !session.ended; ++i) {
    take_logits(session, first + i, logits.subspan(static_cast<size_t>(i) * vocabulary, vocabulary), each);
    if (i >= turn.guessed) continue;
    if (session.ended || session.ids.back() != guesses[static_cast<size_t>(i)]) break;
    ++right;
  }
  if (turn.guessed == 0) return;
  session.text.truncate(session.text.length() - (turn.guessed - right));
  session.lookup.learn(turn.guessed, right);
}

Status Generator::run_batch(const Each& each) {
  const auto vocabulary = static_cast<size_t>(config().vocabulary);
  logits_.resize(std::max(logits_.size(), rows_.size() * vocabulary));
  const auto ran = decoder_->run(
      {.tokens = {ids_, offsets_}, .texts = texts_, .rows = rows_, .logits = logits_.data(), .cancel = leave_});
  if (!ran) return ran.status();
  left_ = *ran == models::PassOutcome::cancelled;
  if (left_) return {};  // the next step says so, and the others have theirs again
  size_t row = 0;
  for (const Turn& turn : turns_) {
    const auto rows = static_cast<size_t>(turn.rows);
    take_turn(turn, std::span(logits_).subspan(row * vocabulary, rows * vocabulary), each);
    row += rows;
  }
  give_back_tables(std::ssize(ids_));
  return {};
}

Status Generator::step(const Each& each) {
  end_cancelled(each);
  leave_ = std::exchange(left_, false) ? nullptr : &interrupt_;
  Status status;
  if (device_) {
    status = step_on_device(each);
  } else {
    fill_batch(each);
    if (!turns_.empty()) status = run_batch(each);
  }
  remove_ended();
  return status;
}

// The pages of the model's files leave this process; the system keeps them for the next look-up.
void Generator::give_back_tables(int64_t tokens) {
  gathered_ += tokens;
  if (gathered_ < kGatheredAtMost) return;
  files_.each_file([](const MappedFile& file) { file.advise(MappedFile::Advice::dont_need); });
  gathered_ = 0;
}

}  // namespace lathe::run
