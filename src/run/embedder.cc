#include "run/embedder.h"

#include <algorithm>
#include <cmath>
#include <future>

#include "base/shown.h"
#include "models/open_encoder.h"

namespace lathe::run {
namespace {

// A token maps 64 KiB of the table around its row. After so many of them it is unmapped, which costs a fault of 1 us
// at the next look-up of each row: 0.2 % of a pass over MiniLM, for 16 MiB at most instead of all its 47.
constexpr int64_t kGatheredAtMost = 256;

// Memory for passes of so many tokens stays between two calls; a batch of 2048 would hold 30 MiB of MiniLM's. Getting
// that anew costs 5 ms before half a second of work, and a call of one short text never does.
constexpr int64_t kIdleTokens = 256;

Status check_stored(matmul::Type stored) {
  if (stored == matmul::Type::f32 || stored == matmul::Type::bf16 || stored == matmul::Type::q8_0) return {};
  return unsupported("the weights are to be stored as " + std::string(matmul::type_name(stored)) +
                     ", needed: f32, bf16 or q8_0");
}

// What sentence-transformers may ask for and is not done here would silently give other vectors.
Status check_extras(const std::string& folder, const SentenceTransformer& extras) {
  if (extras.lower_case)
    return unsupported(extras.transformer_folder +
                       "/sentence_bert_config.json: do_lower_case is true, needed: false (the tokenizer lowers)");
  if (extras.default_prompt && !extras.include_prompt)
    return unsupported(folder +
                       "/1_Pooling/config.json: include_prompt is false beside a default prompt, needed: true");
  return {};
}

std::string prompt_of(const SentenceTransformer& extras) {
  for (const auto& [name, text] : extras.prompts)
    if (extras.default_prompt && name == *extras.default_prompt) return text;
  return "";
}

Status check_vector(std::span<const float> vector) {
  bool zero = true;
  for (const float x : vector) {
    if (!std::isfinite(x)) return failed("the vector holds a number that is not finite");
    zero = zero && x == 0.0f;
  }
  return zero ? failed("the vector is zero") : Status();
}

}  // namespace

Status Embedder::configure(const EmbedderOptions& options, const std::optional<SentenceTransformer>& extras) {
  const models::EncoderSizes& config = encoder_->sizes();
  pooling_ = {Pooling::mean};
  max_tokens_ = config.max_tokens;
  if (extras) {
    pooling_ = extras->pooling;
    normalize_ = extras->normalize;
    prompt_ = prompt_of(*extras);
  }
  const auto limit = extras && extras->max_tokens ? extras->max_tokens : tokenizer_.max_tokens();
  if (limit) max_tokens_ = std::min(max_tokens_, *limit);
  if (max_tokens_ <= tokenizer_.added_by_template())
    return corrupt(options.model + " takes " + std::to_string(max_tokens_) + " tokens, needed: more than the " +
                   std::to_string(tokenizer_.added_by_template()) + " special ones of every text");
  if (options.pooling) pooling_ = {*options.pooling};
  if (options.normalize) normalize_ = *options.normalize;
  const int64_t all = encoder_->vector_size(pooling_.size());
  if (options.dim < 0 || options.dim > all)
    return invalid_argument("the dimension is " + std::to_string(options.dim) + ", needed: 1 to " +
                            std::to_string(all));
  dim_ = options.dim == 0 ? all : options.dim;
  if (options.batch_tokens < 1)
    return invalid_argument("the tokens of a batch are " + std::to_string(options.batch_tokens) +
                            ", needed: at least 1");
  batch_tokens_ = options.batch_tokens;
  return {};
}

Result<Embedder> Embedder::open(const EmbedderOptions& options) {
  if (Status status = check_stored(options.stored); !status.ok()) return status;
  const auto files = resolve_model(options.model, options.hub);
  if (!files) return files.status();
  auto opened = models::EncoderFiles::open(*files);
  if (!opened) return opened.status();
  if (opened->extras())
    if (Status status = check_extras(files->folder, *opened->extras()); !status.ok()) return status;
  // Read while the weights are bound: each takes half of a start from the cache.
  auto loading = std::async(std::launch::async, [&opened] { return opened->tokenizer(); });
  std::vector<const MappedFile*> sources;
  opened->each_file([&sources](const MappedFile& file) { sources.push_back(&file); });
  const bool gguf = files->format == ModelFiles::Format::gguf;
  auto store = std::make_unique<ModelStore>(options.cache, std::move(sources), gguf ? files->weights : files->folder,
                                            options.stored, opened->architecture());
  auto team = Team::create({.threads = options.threads});
  if (!team) return team.status();
  auto encoder = opened->bind(options.stored, **team, store.get());
  auto tokenizer = loading.get();
  if (!tokenizer) return tokenizer.status();
  if (!encoder) return encoder.status();
  store->finish();

  Embedder embedder(std::move(*opened), std::move(*tokenizer));
  embedder.store_ = std::move(store);
  embedder.team_ = std::move(*team);
  embedder.encoder_ = std::move(*encoder);
  embedder.give_back_tables();
  if (Status status = embedder.configure(options, embedder.files_.extras()); !status.ok()) return status;
  return embedder;
}

// The pages of the model's files leave this process; the system keeps them for the next look-up.
void Embedder::give_back_tables() {
  files_.each_file([](const MappedFile& file) { file.advise(MappedFile::Advice::dont_need); });
  gathered_ = 0;
}

// Appends a text to the batch; one that cannot be tokenized has its Status there and no tokens.
void Embedder::add(int64_t index, std::string_view text) {
  Embedding item;
  item.index = index;
  if (!prompt_.empty()) {
    prompted_.assign(prompt_).append(text);
    text = prompted_;
  }
  item.status = tokenizer_.encode(text, {.max_tokens = max_tokens_}, work_, encoding_);
  if (item.status.ok() && encoding_.ids.empty()) item.status = failed("the text has no tokens");
  // A tokenizer may know more tokens than the model: Gemma's has one for images, which the text models lack.
  for (const int32_t id : encoding_.ids)
    if (item.status.ok() && id >= encoder_->sizes().vocabulary)
      item.status = failed("the text has token " + std::to_string(id) + ", needed: below the model's " +
                           std::to_string(encoder_->sizes().vocabulary));
  if (item.status.ok()) {
    item.tokens = encoding_.tokens;
    item.truncated = encoding_.truncated;
    ids_.insert(ids_.end(), encoding_.ids.begin(), encoding_.ids.end());
    offsets_.push_back(static_cast<int64_t>(ids_.size()));
  }
  items_.push_back(std::move(item));
}

Status Embedder::flush(const std::function<Status(const Embedding&)>& each) {
  const auto row = static_cast<size_t>(encoder_->vector_size(pooling_.size()));
  if (offsets_.size() > 1) {
    vectors_.resize((offsets_.size() - 1) * row);
    const models::PoolOptions pool = {.modes = pooling_, .normalize = normalize_, .keep = dim_};
    if (Status status = encoder_->run({.ids = ids_, .offsets = offsets_}, pool, vectors_.data()); !status.ok())
      return status;
  }
  size_t at = 0;
  for (Embedding& item : items_) {
    if (item.status.ok()) {
      const std::span vector(vectors_.data() + at++ * row, static_cast<size_t>(dim_));
      item.status = check_vector(vector);
      if (item.status.ok()) item.vector = vector;
    }
    if (Status status = each(item); !status.ok()) return status;
  }
  gathered_ += static_cast<int64_t>(ids_.size());
  if (gathered_ > kGatheredAtMost) give_back_tables();
  return encoder_->shrink(batch_tokens_);  // after a text longer than a batch
}

Status Embedder::embed(std::span<const std::string_view> texts, const std::function<Status(const Embedding&)>& each) {
  const auto clear = [this] {
    ids_.clear();
    items_.clear();
    offsets_.assign(1, 0);
  };
  clear();
  for (size_t i = 0; i < texts.size(); ++i) {
    add(static_cast<int64_t>(i), texts[i]);
    // Closed once another text of the longest kind (half a batch at most is reserved for it) might not fit.
    const auto tokens = static_cast<int64_t>(ids_.size());
    if (tokens + std::min(max_tokens_, batch_tokens_ / 2) <= batch_tokens_ && i + 1 < texts.size()) continue;
    if (Status status = flush(each); !status.ok()) return status;
    clear();
  }
  return encoder_->shrink(std::min(batch_tokens_, kIdleTokens));
}

}  // namespace lathe::run
