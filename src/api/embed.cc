#include "lathe/embed.h"

#include <array>

#include "api/convert.h"
#include "run/embedder.h"

namespace lathe {

struct Embedder::Impl {
  run::Embedder embedder;
};

namespace {

Result<run::EmbedderOptions> converted(const EmbedOptions& options) {
  // What is automatic stands first in the enumeration, and has no type here.
  constexpr std::array kTypes = {matmul::Type::f32,      matmul::Type::f32,      matmul::Type::bf16,
                                 matmul::Type::q8_0,     matmul::Type::q4_0,     matmul::Type::q8_a7,
                                 matmul::Type::bf16_b16, matmul::Type::bf16_d16, matmul::Type::f16};
  constexpr std::array kPoolings = {Pooling::mean, Pooling::cls, Pooling::max, Pooling::last_token};
  constexpr std::array kOverflows = {run::Overflow::truncate, run::Overflow::error, run::Overflow::chunk};
  run::EmbedderOptions o;
  if (Status status = api::convert(options.type, "type", kTypes, o.stored.emplace()); !status.ok()) return status;
  if (options.type == EmbedType::automatic) o.stored.reset();
  if (Status status = api::convert(options.overflow, "overflow", kOverflows, o.overflow); !status.ok()) return status;
  if (options.pooling)
    if (Status status = api::convert(*options.pooling, "pooling", kPoolings, o.pooling.emplace()); !status.ok())
      return status;
  o.model = options.model;
  o.hub = options.hub;
  o.threads = options.threads;
  o.normalize = options.normalize;
  o.dim = options.dim;
  o.task = options.task;
  o.prompt = options.prompt;
  o.max_tokens = options.max_tokens;
  o.overlap = options.overlap;
  o.batch_tokens = options.batch_tokens;
  o.max_rss = options.max_rss;
  o.cache.folder = options.cache;
  o.device = options.device;
  o.pipelines = api::pipelines_in(options.cache);
  return o;
}

}  // namespace

Embedder::Embedder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;
Embedder::~Embedder() = default;

int64_t Embedder::dim() const { return impl_->embedder.dim(); }
int64_t Embedder::max_tokens() const { return impl_->embedder.max_tokens(); }

std::vector<std::string> Embedder::tasks() const {
  std::vector<std::string> names;
  for (const auto& [name, text] : impl_->embedder.prompts()) names.push_back(name);
  return names;
}

Status Embedder::set_task(std::string_view name) { return impl_->embedder.set_task(name); }
Status Embedder::set_prompt(std::string_view words) { return impl_->embedder.set_prompt(words); }

Result<Embedder> Embedder::open(const EmbedOptions& options) {
  const auto o = converted(options);
  if (!o) return o.status();
  auto opened = run::Embedder::open(*o);
  if (!opened) return opened.status();
  return Embedder(std::make_unique<Impl>(Impl{std::move(*opened)}));
}

Result<Embeddings> Embedder::embed(std::span<const std::string_view> texts) {
  Embeddings all;
  all.dim = dim();
  all.values.reserve(texts.size() * static_cast<size_t>(all.dim));
  const Status status = impl_->embedder.embed(texts, [&](const run::Embedding& e) {
    if (!e.status.ok()) return Status(e.status.code(), "text " + std::to_string(e.index) + ": " + e.status.message());
    all.values.insert(all.values.end(), e.vector.begin(), e.vector.end());
    all.tokens.push_back(e.tokens);
    all.truncated.push_back(e.truncated);
    return Status();
  });
  if (!status.ok()) return status;
  return all;
}

Status Embedder::embed(std::span<const std::string_view> texts, const std::function<Status(const Embedding&)>& each) {
  return impl_->embedder.embed(texts, [&](const run::Embedding& e) {
    return each({.text = e.index,
                 .status = e.status,
                 .vector = e.vector,
                 .tokens = e.tokens,
                 .chunks = e.chunks,
                 .truncated = e.truncated});
  });
}

}  // namespace lathe
