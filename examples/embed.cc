// Which of a few sentences answers a question: texts to vectors, and the nearest one.
//   example_embed MODEL    a folder or a file, such as all-MiniLM-L6-v2 from Hugging Face
//   cmake: find_package(lathe 0.1 REQUIRED), target_link_libraries(... lathe::lathe)
#include <lathe/embed.h>

#include <cstdio>
#include <numeric>

namespace {

constexpr std::string_view kSentences[] = {
    "Bread rises because yeast turns sugar into carbon dioxide.",
    "The bridge was closed to traffic after the storm.",
    "Penguins keep warm by standing close together.",
};

// Errors are values: every call that can fail gives a sentence to show.
int fail(const lathe::Status& status) {
  std::fprintf(stderr, "embed: %s\n", status.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::printf("usage: %s MODEL\n", argv[0]);
    return 0;
  }
  // One embedder for the whole application: the model's weights, and a team of threads.
  auto embedder = lathe::Embedder::open({.model = argv[1], .overflow = lathe::EmbedOverflow::chunk});
  if (!embedder) return fail(embedder.status());
  std::printf("%lld elements, texts of up to %lld tokens\n", static_cast<long long>(embedder->dim()),
              static_cast<long long>(embedder->max_tokens()));

  const std::string_view question[] = {"Why does dough grow?"};
  auto asked = embedder->embed(question);
  if (!asked) return fail(asked.status());

  // One call for each text, in order. An error of one does not hold up the others.
  const lathe::Status status = embedder->embed(kSentences, [&](const lathe::Embedding& e) {
    if (!e.status.ok()) return e.status;
    const auto a = asked->vector(0);  // both of length 1: their product is the cosine
    const float cosine = std::inner_product(a.begin(), a.end(), e.vector.begin(), 0.0f);
    std::printf("%.3f  %s\n", cosine, kSentences[e.text].data());
    return lathe::Status();
  });
  return status.ok() ? 0 : fail(status);
}
