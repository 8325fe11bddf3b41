#include "lathe/generate.h"

#include <array>

#include "api/convert.h"
#include "run/generator.h"
#include "run/read_grammar.h"

namespace lathe {

struct Generator::Impl {
  std::unique_ptr<run::Generator> generator;
};

namespace {

Result<run::GeneratorOptions> converted(const GenerateOptions& options) {
  using Stored = std::optional<matmul::Type>;
  constexpr std::array kTypes = {Stored(),
                                 Stored(matmul::Type::f32),
                                 Stored(matmul::Type::bf16),
                                 Stored(matmul::Type::q8_0),
                                 Stored(matmul::Type::q4_0),
                                 Stored(matmul::Type::f16),
                                 Stored(matmul::Type::q4_1),
                                 Stored(matmul::Type::q4_k),
                                 Stored(matmul::Type::q5_k),
                                 Stored(matmul::Type::q6_k),
                                 Stored(matmul::Type::q8_a7),
                                 Stored(matmul::Type::bf16_b16)};
  constexpr std::array kCacheTypes = {ops::KvType::f16, ops::KvType::bf16, ops::KvType::f32, ops::KvType::q8_0};
  run::GeneratorOptions o;
  if (Status status = api::convert(options.type, "type", kTypes, o.stored); !status.ok()) return status;
  if (Status status = api::convert(options.cache_type, "cache_type", kCacheTypes, o.cache_type); !status.ok())
    return status;
  o.model = options.model;
  o.hub = options.hub;
  o.threads = options.threads;
  o.context = options.context;
  o.prompt_tokens = options.prompt_tokens;
  o.cache_bytes = options.cache_bytes;
  o.cache.folder = options.cache;
  o.device = options.device;
  o.pipelines = api::pipelines_in(options.cache);
  return o;
}

Result<run::SessionOptions> converted(const SessionOptions& options) {
  run::SessionOptions o;
  if (!options.grammar.empty() || !options.json_schema.empty()) {
    if (!options.grammar.empty() && !options.json_schema.empty())
      return invalid_argument("grammar and json_schema are both given, needed: one of them");
    auto grammar = options.grammar.empty() ? run::read_json_schema(options.json_schema, "json_schema")
                                           : run::read_gbnf(options.grammar, "grammar");
    if (!grammar) return grammar.status();
    o.grammar = std::move(*grammar);
  }
  o.max_tokens = options.max_tokens;
  o.stop_at_end = options.stop_at_end;
  o.stop = options.stop;
  o.choose = options.choose;
  o.guess = options.guess;
  const Sampling& s = options.sampling;
  o.sampling = {.temperature = s.temperature,
                .top_k = s.top_k,
                .top_p = s.top_p,
                .min_p = s.min_p,
                .repetition_penalty = s.repetition_penalty,
                .presence_penalty = s.presence_penalty,
                .frequency_penalty = s.frequency_penalty,
                .logit_bias = s.logit_bias,
                .seed = s.seed};
  return o;
}

FinishReason converted(run::Finish finish) {
  switch (finish) {
    case run::Finish::none:
      return FinishReason::none;
    case run::Finish::end_token:
      return FinishReason::end_token;
    case run::Finish::stop_string:
      return FinishReason::stop_string;
    case run::Finish::max_tokens:
      return FinishReason::max_tokens;
    case run::Finish::context_full:
      return FinishReason::context_full;
    case run::Finish::cancelled:
      return FinishReason::cancelled;
    case run::Finish::failed:
      break;
  }
  return FinishReason::failed;
}

}  // namespace

Generator::Generator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Generator::Generator(Generator&&) noexcept = default;
Generator& Generator::operator=(Generator&&) noexcept = default;
Generator::~Generator() = default;

Result<Generator> Generator::open(const GenerateOptions& options) {
  const auto o = converted(options);
  if (!o) return o.status();
  auto opened = run::Generator::open(*o);
  if (!opened) return opened.status();
  return Generator(std::make_unique<Impl>(Impl{std::move(*opened)}));
}

int64_t Generator::context() const { return impl_->generator->context(); }
int64_t Generator::vocabulary() const { return impl_->generator->config().vocabulary; }
bool Generator::busy() const { return impl_->generator->busy(); }
void Generator::cancel(int64_t session) { impl_->generator->cancel(session); }

Result<std::vector<int32_t>> Generator::tokens_of(std::string_view text) const {
  return impl_->generator->tokens_of(text);
}

Result<int64_t> Generator::start(std::string_view prompt, const SessionOptions& options) {
  auto o = converted(options);
  if (!o) return o.status();
  return impl_->generator->start(prompt, std::move(*o));
}
Result<int64_t> Generator::start(std::span<const int32_t> prompt, const SessionOptions& options) {
  auto o = converted(options);
  if (!o) return o.status();
  return impl_->generator->start(prompt, std::move(*o));
}

Status Generator::step(const std::function<void(const GeneratedToken&)>& each) {
  return impl_->generator->step([&](const run::SessionEvent& event) {
    each({.session = event.session,
          .token = event.token,
          .text = event.text,
          .finish = converted(event.finish),
          .status = event.status});
  });
}

}  // namespace lathe
