#include "run/embedder.h"

#include <algorithm>
#include <cmath>
#include <future>

#include "base/shown.h"
#include "models/open_encoder.h"
#include "platform/process_memory.h"
#include "run/memory_budget.h"
#include "run/open_device.h"
#include "run/stored_type.h"

namespace lathe::run {
namespace {

// A token maps 64 KiB of the table around its row. After so many of them it is unmapped, which costs a fault of 1 us
// at the next look-up of each row: 0.2 % of a pass over MiniLM, for 16 MiB at most instead of all its 47.
constexpr int64_t kGatheredAtMost = 256, kGatheredBytes = 65536;

// Memory for passes of so many tokens stays between two calls; a batch of 2048 would hold 30 MiB of MiniLM's. Getting
// that anew costs 5 ms before half a second of work, and a call of one short text never does.
constexpr int64_t kIdleTokens = 256;

Status check_vector(std::span<const float> vector) {
  bool zero = true;
  for (const float x : vector) {
    if (!std::isfinite(x)) return failed("the vector holds a number that is not finite");
    zero = zero && x == 0.0f;
  }
  return zero ? failed("the vector is zero") : Status();
}

// What stays allocated for the next texts. A batch of 2048 tokens has 1 MiB of MiniLM's vectors, and less of all else.
constexpr size_t kKeptBytes = size_t{1} << 20;

template <class T>
void trim_one(std::vector<T>& values) {
  if (values.capacity() * sizeof(T) > kKeptBytes) std::vector<T>().swap(values);
}

}  // namespace

Status Embedder::configure(const EmbedderOptions& options, const std::optional<SentenceTransformer>& extras) {
  pooling_ = {Pooling::mean};
  if (extras) {
    pooling_ = extras->pooling;
    normalize_ = extras->normalize;
  }
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
  if (Status status = configure_texts(options, extras); !status.ok()) return status;
  return limit_memory(options.max_rss);
}

// How texts are cut, and what stands before them.
Status Embedder::configure_texts(const EmbedderOptions& options, const std::optional<SentenceTransformer>& extras) {
  const tokenize::Tokenizer& tokenizer = cutter_.tokenizer();
  int64_t most = encoder_->sizes().max_tokens;
  const auto limit = extras && extras->max_tokens ? extras->max_tokens : tokenizer.max_tokens();
  if (limit) most = std::min(most, *limit);
  if (most <= tokenizer.added_by_template())
    return corrupt(options.model + " takes " + std::to_string(most) + " tokens, needed: more than the " +
                   std::to_string(tokenizer.added_by_template()) + " special ones of every text");
  // A model is not asked for more than its files say: positions beyond were never trained.
  if (options.max_tokens != 0 && (options.max_tokens <= tokenizer.added_by_template() || options.max_tokens > most))
    return invalid_argument("the tokens of a text are limited to " + std::to_string(options.max_tokens) +
                            ", needed: " + std::to_string(tokenizer.added_by_template() + 1) + " to the model's " +
                            std::to_string(most));
  max_tokens_ = options.max_tokens == 0 ? most : options.max_tokens;
  const CutOptions cut = {.max_tokens = max_tokens_, .overflow = options.overflow, .overlap = options.overlap};
  if (Status status = cutter_.set_options(cut); !status.ok()) return status;
  if (options.task && options.prompt)
    return invalid_argument("a task and a prompt are both given, needed: one of them");
  if (extras) {
    prompts_ = extras->prompts;
    pools_prompt_ = extras->include_prompt;
  }
  if (options.prompt) return set_prompt(*options.prompt);
  if (options.task) return set_task(*options.task);
  return extras && extras->default_prompt ? set_task(*extras->default_prompt) : set_prompt("");
}

Status Embedder::limit_memory(int64_t max_rss) {
  if (max_rss == 0) return {};
  const auto memory = process_memory();
  if (!memory) return unsupported("memory is to be limited, and this system does not say how much the process has");
  constexpr int64_t kBeside = int64_t{8} << 20;  // readers and writers of texts and vectors
  const models::EncoderSizes& sizes = encoder_->sizes();
  int64_t mapped = 0;
  files_.each_file([&mapped](const MappedFile& file) { mapped += static_cast<int64_t>(file.bytes().size()); });
  const int64_t words = std::min(mapped, sizes.vocabulary * sizes.width * static_cast<int64_t>(sizeof(float)));
  const int64_t row_bytes = static_cast<int64_t>(row() * sizeof(float));
  const int64_t least_text = cutter_.tokenizer().added_by_template() + 1;
  const auto tokens = tokens_within({.limit = max_rss,
                                     .base = memory->resident() + kBeside,
                                     .peak = memory->peak,
                                     .least = max_tokens_,
                                     .wanted = batch_tokens_},
                                    [&](int64_t count) -> Result<int64_t> {
                                      const auto pass = encoder_->pass_bytes(count);
                                      if (!pass) return pass;
                                      const int64_t table = std::min(words, (kGatheredAtMost + count) * kGatheredBytes);
                                      return *pass + table + count / least_text * row_bytes;
                                    });
  if (!tokens) return tokens.status();
  batch_tokens_ = std::min(batch_tokens_, *tokens);
  return {};
}

Status Embedder::set_task(std::string_view name) {
  std::string names;
  for (const auto& [known, text] : prompts_) {
    if (known == name) return set_prompt(text);
    names += (names.empty() ? "" : ", ") + known;
  }
  return invalid_argument("the task is " + shown(name) +
                          (names.empty() ? ", and the model has no prompts of its own; needed: a prompt in words"
                                         : ", needed: one of " + names));
}

Status Embedder::prefer_task(std::string_view name) {
  const bool known = std::ranges::any_of(prompts_, [&](const auto& prompt) { return prompt.first == name; });
  return known ? set_task(name) : Status();
}

Status Embedder::set_prompt(std::string_view prompt) { return cutter_.set_prompt(prompt); }

Result<Embedder> Embedder::open(const EmbedderOptions& options) {
  if (options.stored)
    if (Status status = check_stored(*options.stored); !status.ok()) return status;
  if (options.device && options.max_rss != 0)
    return unsupported("the process's memory is to be limited, and a device computes; needed: a smaller batch");
  std::shared_ptr<gpu::Device> device;
  if (options.device) {
    auto found = open_device(*options.device, options.pipelines, options.cache.warn);
    if (!found) return found.status();
    device = std::move(*found);
  }
  const auto files = resolve_model(options.model, options.hub);
  if (!files) return files.status();
  auto opened = models::EncoderFiles::open(*files);
  if (!opened) return opened.status();
  const matmul::Type stored = options.stored.value_or(stored_type(opened->tensors()));
  // Read while the weights are bound: each takes half of a start from the cache.
  auto loading = std::async(std::launch::async, [&opened] { return opened->tokenizer(); });
  std::vector<const MappedFile*> sources;
  opened->each_file([&sources](const MappedFile& file) { sources.push_back(&file); });
  const bool gguf = files->format == ModelFiles::Format::gguf;
  auto store = std::make_unique<ModelStore>(options.cache, std::move(sources), gguf ? files->weights : files->folder,
                                            stored, opened->architecture());
  auto team = Team::create({.threads = options.threads});
  if (!team) return team.status();
  auto encoder = opened->bind(stored, **team, store.get());
  auto tokenizer = loading.get();
  if (!tokenizer) return tokenizer.status();
  if (!encoder) return encoder.status();
  store->finish();

  Embedder embedder(std::move(*opened), std::move(*tokenizer));
  embedder.stored_ = stored;
  embedder.store_ = std::move(store);
  embedder.team_ = std::move(*team);
  embedder.encoder_ = std::move(*encoder);
  if (device != nullptr) {
    auto made = models::DeviceEncoder::open(*embedder.encoder_, std::move(device),
                                            {.uploaded = options.uploaded, .measured = options.measured});
    if (!made) return made.status();
    embedder.device_ = std::move(*made);
  }
  embedder.set_dispatch(options.dispatch);
  embedder.give_back_tables();
  if (Status status = embedder.configure(options, embedder.files_.extras()); !status.ok()) return status;
  return embedder;
}

// The pages of the model's files leave this process; the system keeps them for the next look-up.
void Embedder::give_back_tables() {
  files_.each_file([](const MappedFile& file) { file.advise(MappedFile::Advice::dont_need); });
  gathered_ = 0;
}

void Embedder::clear() {
  ids_.clear();
  offsets_.assign(1, 0);
  pieces_.clear();
  skips_.clear();
}

void Embedder::trim() {
  cutter_.trim();
  trim_one(cut_.ids);
  trim_one(ids_);
  trim_one(vectors_);
}

// A tokenizer may know more tokens than the model: Gemma's has one for images, which the text models lack.
Status Embedder::check_cut() const {
  for (const int32_t id : cut_.ids)
    if (id >= encoder_->sizes().vocabulary)
      return failed("the text has token " + std::to_string(id) + ", needed: below the model's " +
                    std::to_string(encoder_->sizes().vocabulary));
  if (!skips_prompt()) return {};
  for (size_t i = 0; i < cut_.ends.size(); ++i)
    if (cut_.heads[i] >= cut_.ends[i] - (i == 0 ? 0 : cut_.ends[i - 1]))
      return failed("the text has no tokens behind the prompt, and the model pools none of the prompt's");
  return {};
}

// Appends the pieces of a text to the pass, which runs first where one would not fit. Nothing is padded and texts come
// out in the order they went in: sorting them by length would gain nothing. Nor would tokenising on a thread of its
// own: of 4,000 texts of nine words through MiniLM on two threads it is 0.3 % of the time.
Status Embedder::add(std::string_view text, const Each& each) {
  Embedding& item = texts_.emplace_back();
  item.index = next_++;
  item.status = cutter_.cut(text, cut_);
  if (item.status.ok()) item.status = check_cut();
  pending_.push_back(static_cast<int64_t>(item.status.ok() ? cut_.ends.size() : 0));
  if (!item.status.ok()) return {};
  item.tokens = cut_.tokens;
  item.truncated = cut_.truncated;
  item.chunks = pending_.back();
  const int64_t index = item.index;
  int64_t begin = 0;
  for (size_t i = 0; i < cut_.ends.size(); ++i) {
    const int64_t end = cut_.ends[i];
    if (!ids_.empty() && static_cast<int64_t>(ids_.size()) + end - begin > batch_tokens_)
      if (Status status = run_pass(each); !status.ok()) return status;
    ids_.insert(ids_.end(), cut_.ids.begin() + begin, cut_.ids.begin() + end);
    offsets_.push_back(static_cast<int64_t>(ids_.size()));
    pieces_.push_back({index, cut_.weights[i]});
    if (skips_prompt()) skips_.push_back(cut_.heads[i]);
    begin = end;
  }
  return {};
}

Status Embedder::run_pass(const Each& each) {
  if (!pieces_.empty()) {
    vectors_.resize(pieces_.size() * row());
    const models::PoolOptions pool = {.modes = pooling_, .skip = skips_, .normalize = normalize_, .keep = dim_};
    if (Status status = run_encoder(pool); !status.ok()) return status;
  }
  if (Status status = finish_texts(each); !status.ok()) return status;
  gathered_ += static_cast<int64_t>(ids_.size());
  if (gathered_ > kGatheredAtMost) give_back_tables();
  clear();
  return give_back(batch_tokens_);  // after a text longer than a batch
}

void Embedder::set_dispatch(ops::Dispatch dispatch) {
  device_ ? device_->set_dispatch(dispatch) : encoder_->set_dispatch(dispatch);
}

Status Embedder::run_encoder(const models::PoolOptions& pooling) {
  const ops::TextBatch batch = {.ids = ids_, .offsets = offsets_};
  return device_ ? device_->run(batch, pooling, vectors_.data()) : encoder_->run(batch, pooling, vectors_.data());
}

// Memory of passes beyond so many tokens. A device's passes are recorded for what there is.
Status Embedder::give_back(int64_t tokens) { return device_ ? Status() : encoder_->shrink(tokens); }

// The vector of a text is that of its only piece, or the mean of several by their tokens.
void Embedder::take(Embedding& text, const Piece& piece, std::span<const float> vector) {
  if (text.chunks == 1) {
    text.vector = vector;
    return;
  }
  for (size_t j = 0; j < vector.size(); ++j) sum_[j] += static_cast<double>(piece.weight) * double{vector[j]};
  weight_ += piece.weight;
  text.vector = {};
}

// Hands over the texts whose pieces have all had their pass.
Status Embedder::finish_texts(const Each& each) {
  size_t piece = 0, text = 0;
  for (; text < texts_.size(); ++text) {
    Embedding& item = texts_[text];
    for (; pending_[text] > 0 && piece < pieces_.size(); ++piece, --pending_[text])
      take(item, pieces_[piece], {vectors_.data() + piece * row(), static_cast<size_t>(dim_)});
    if (pending_[text] > 0) break;  // the others of its pieces come with the next pass
    if (item.chunks > 1) item.vector = average();
    if (item.status.ok()) item.status = check_vector(item.vector);
    if (!item.status.ok()) item.vector = {};
    if (Status status = each(item); !status.ok()) return status;
  }
  texts_.erase(texts_.begin(), texts_.begin() + static_cast<std::ptrdiff_t>(text));
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(text));
  return {};
}

std::span<const float> Embedder::average() {
  average_.resize(sum_.size());
  double squares = 0;
  for (double& x : sum_) {
    x /= static_cast<double>(weight_);
    squares += x * x;
  }
  const double length = normalize_ && squares > 0 ? std::sqrt(squares) : 1.0;
  for (size_t j = 0; j < sum_.size(); ++j) average_[j] = static_cast<float>(sum_[j] / length);
  start_sum();
  return average_;
}

void Embedder::start_sum() {
  sum_.assign(static_cast<size_t>(dim_), 0.0);
  weight_ = 0;
}

Status Embedder::embed(std::span<const std::string_view> texts, const Each& each) {
  clear();
  start_sum();
  texts_.clear();
  pending_.clear();
  next_ = 0;
  for (const std::string_view text : texts)
    if (Status status = add(text, each); !status.ok()) return status;
  if (Status status = run_pass(each); !status.ok()) return status;
  trim();
  return give_back(std::min(batch_tokens_, kIdleTokens));
}

}  // namespace lathe::run
