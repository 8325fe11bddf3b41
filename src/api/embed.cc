#include "lathe/embed.h"

#include "run/embedder.h"

namespace lathe {

struct Embedder::Impl {
  run::Embedder embedder;
};

namespace {

matmul::Type stored_type(EmbedType type) {
  switch (type) {
    case EmbedType::bf16:
      return matmul::Type::bf16;
    case EmbedType::q8_0:
      return matmul::Type::q8_0;
    default:
      return matmul::Type::f32;
  }
}

}  // namespace

Embedder::Embedder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;
Embedder::~Embedder() = default;

int64_t Embedder::dim() const { return impl_->embedder.dim(); }
int64_t Embedder::max_tokens() const { return impl_->embedder.max_tokens(); }

Result<Embedder> Embedder::open(const EmbedOptions& options) {
  run::EmbedderOptions o;
  o.model = options.model;
  o.hub = options.hub;
  o.stored = stored_type(options.type);
  o.threads = options.threads;
  o.normalize = options.normalize;
  o.dim = options.dim;
  o.cache.folder = options.cache;
  auto opened = run::Embedder::open(o);
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

}  // namespace lathe
