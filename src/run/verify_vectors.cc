#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/shown.h"
#include "run/golden.h"
#include "run/verify.h"
#include "run/verify_texts.h"

namespace lathe::run {
namespace {

// Bounds, and where they come from: another implementation of the same arithmetic in f32 differs from ours by the order
// of its sums, which measures 1e-7 to 1e-6 on MiniLM; 8-bit blocks and bf16 weights lose less than a thousandth, and
// with activations of 7 bits the worst of 1,200 texts kept 0.997 there.
constexpr double kGoldenCosine = 0.999999, kGoldenDifference = 1e-5;
double stored_cosine(matmul::Type stored) { return stored == matmul::Type::q8_a7 ? 0.99 : 0.999; }

using Vectors = std::vector<std::vector<float>>;

// An error of one text is an error of all.
Result<Vectors> embed_all(Embedder& embedder, std::span<const std::string_view> texts) {
  Vectors vectors;
  Status wrong;
  const Status status = embedder.embed(texts, [&](const Embedding& e) {
    if (!e.status.ok() && wrong.ok())
      wrong = failed(shown(texts[static_cast<size_t>(e.index)]) + ": " + e.status.message());
    vectors.emplace_back(e.vector.begin(), e.vector.end());
    return Status();
  });
  if (!status.ok()) return status;
  if (!wrong.ok()) return wrong;
  return vectors;
}

Result<Vectors> embed_with(const EmbedderOptions& options, std::span<const std::string_view> texts) {
  auto embedder = Embedder::open(options);
  if (!embedder) return embedder.status();
  return embed_all(*embedder, texts);
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Distance {
  double cosine = 0;
  double difference = 0;  // the largest, of vectors scaled so that the second has length 1
};

Distance distance(const std::vector<float>& a, const std::vector<float>& b) {
  double aa = 0, bb = 0, ab = 0, most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    aa += double{a[i]} * double{a[i]};
    bb += double{b[i]} * double{b[i]};
    ab += double{a[i]} * double{b[i]};
    most = std::max(most, std::fabs(double{a[i]} - double{b[i]}));
  }
  return {ab / std::sqrt(aa * bb), most / std::sqrt(bb)};
}

struct Comparison {
  double min_cosine = 1, mean_cosine = 0, difference = 0;
  size_t worst = 0;
};

Comparison compare(const Vectors& a, const Vectors& b) {
  Comparison result;
  for (size_t i = 0; i < a.size(); ++i) {
    const Distance d = distance(a[i], b[i]);
    if (d.cosine < result.min_cosine) result.worst = i;
    result.min_cosine = std::min(result.min_cosine, d.cosine);
    result.mean_cosine += d.cosine / static_cast<double>(a.size());
    result.difference = std::max(result.difference, d.difference);
  }
  return result;
}

Check wrong(Check check, std::string detail) {
  check.outcome = Check::Outcome::failed;
  check.detail = std::move(detail);
  return check;
}

Check wrong(Check check, const Status& status) {
  check = wrong(std::move(check), status.message());
  if (status.code() == Code::unsupported) check.outcome = Check::Outcome::not_supported;
  return check;
}

}  // namespace

Check check_determinism(const EmbedderOptions& options) {
  Check check{"determinism", Check::Outcome::passed, "", {}};
  EmbedderOptions one = options;
  one.threads = 1;
  const auto expected = embed_with(one, kVerifyTexts);
  if (!expected) return wrong(std::move(check), expected.status());
  auto embedder = Embedder::open(options);
  if (!embedder) return wrong(std::move(check), embedder.status());
  const auto batch = embed_all(*embedder, kVerifyTexts);
  if (!batch) return wrong(std::move(check), batch.status());
  for (size_t i = 0; i < kVerifyTexts.size(); ++i) {
    if (!same_bits((*batch)[i], (*expected)[i]))
      return wrong(std::move(check), fmt::format("{} has other bits with one thread than with all, needed: the same",
                                                 shown(kVerifyTexts[i])));
    const auto alone = embed_all(*embedder, std::span(kVerifyTexts).subspan(i, 1));
    if (!alone) return wrong(std::move(check), alone.status());
    if (!same_bits(alone->front(), (*expected)[i]))
      return wrong(std::move(check),
                   fmt::format("{} has other bits alone than in a batch, needed: the same", shown(kVerifyTexts[i])));
  }
  check.detail =
      fmt::format("{} texts have the same bits alone, in a batch, with one thread and with all", kVerifyTexts.size());
  return check;
}

Check check_stored(const EmbedderOptions& options, matmul::Type stored) {
  const std::string name(matmul::type_name(stored));
  Check check{"f32 against " + name, Check::Outcome::passed, "", {}};
  EmbedderOptions other = options;
  other.stored = stored;
  const auto expected = embed_with(options, kVerifyTexts);
  if (!expected) return wrong(std::move(check), expected.status());
  const auto found = embed_with(other, kVerifyTexts);
  if (!found) return wrong(std::move(check), found.status());
  const Comparison c = compare(*found, *expected);
  const double needed = stored_cosine(stored);
  check.figures = {{"min_cosine", c.min_cosine}, {"mean_cosine", c.mean_cosine}, {"needed", needed}};
  check.detail = fmt::format("cosine at least {:.6f}, {:.6f} on average", c.min_cosine, c.mean_cosine);
  if (c.min_cosine >= needed) return check;
  const std::string detail = fmt::format("the cosine of {} is {:.6f}, needed: at least {}",
                                         shown(kVerifyTexts[c.worst]), c.min_cosine, needed);
  return wrong(std::move(check), detail);
}

Check check_golden(const EmbedderOptions& options, const std::string& path) {
  Check check{"golden vectors", Check::Outcome::passed, "", {}};
  const auto golden = read_golden(path);
  if (!golden) return wrong(std::move(check), golden.status().message());
  const std::vector<std::string_view> texts(golden->texts.begin(), golden->texts.end());
  const auto found = embed_with(options, texts);
  if (!found) return wrong(std::move(check), found.status());
  if (found->front().size() != golden->vectors.front().size())
    return wrong(std::move(check), fmt::format("{}: vectors have {} elements, ours have {}, needed: the same", path,
                                               golden->vectors.front().size(), found->front().size()));
  const Comparison c = compare(*found, golden->vectors);
  check.figures = {{"min_cosine", c.min_cosine},
                   {"mean_cosine", c.mean_cosine},
                   {"max_difference", c.difference},
                   {"needed_cosine", kGoldenCosine},
                   {"needed_difference", kGoldenDifference}};
  const std::string by = golden->made_by.empty() ? "another implementation" : shown(golden->made_by);
  check.detail = fmt::format("{} texts of {}: cosine at least {:.9f}, largest difference {:.1e}", texts.size(), by,
                             c.min_cosine, c.difference);
  if (c.min_cosine >= kGoldenCosine && c.difference <= kGoldenDifference) return check;
  const std::string detail =
      fmt::format("{}: cosine down to {:.9f} ({}), difference up to {:.1e}, needed: at least {} and at most {:.0e}",
                  path, c.min_cosine, shown(golden->texts[c.worst]), c.difference, kGoldenCosine, kGoldenDifference);
  return wrong(std::move(check), detail);
}

}  // namespace lathe::run
