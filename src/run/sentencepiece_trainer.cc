#include "run/sentencepiece_trainer.h"

#include "platform/shared_library.h"

namespace lathe::run {
namespace {

// sentencepiece::util::Status: one pointer, null where all is well. It is not trivial, and so comes back by memory.
class ForeignStatus {
 public:
  ForeignStatus() = default;
  ForeignStatus(const ForeignStatus& other) : rep_(other.rep_) {}
  ForeignStatus& operator=(const ForeignStatus&) = delete;
  ~ForeignStatus() {}  // what an error holds is left: there is one at most
  bool ok() const { return rep_ == nullptr; }

 private:
  void* rep_ = nullptr;
};
static_assert(sizeof(ForeignStatus) == sizeof(void*));

// The types of the arguments are part of the names: a library with others has no such function. The iterator stays
// null.
constexpr const char* kTrain =
    "_ZN13sentencepiece20SentencePieceTrainer5TrainERKSt13unordered_mapINSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEE"
    "ES7_St4hashIS7_ESt8equal_toIS7_ESaISt4pairIKS7_S7_EEEPNS_16SentenceIteratorEPS7_";
constexpr const char* kMessage = "_ZNK13sentencepiece4util6Status13error_messageEv";

using Train = ForeignStatus(const SentencePieceOptions& options, void* sentences, std::string* model);
using Message = const char*(const ForeignStatus*);

}  // namespace

Result<std::string> run_sentencepiece_trainer(const SentencePieceOptions& options) {
  const auto library = SharedLibrary::open({"libsentencepiece_train.so.0", "libsentencepiece_train.so"});
  if (!library)
    return not_found("training a tokenizer needs SentencePiece (Debian's package libsentencepiece0): " +
                     library.status().message());
  Train* train = nullptr;
  Message* message = nullptr;
  if (!library->find(kTrain, &train) || !library->find(kMessage, &message))
    return unsupported(library->file() + ": lacks its functions, needed: SentencePiece 0.1.97 or a later 0.1");
  std::string model;
  try {
    const ForeignStatus status = train(options, nullptr, &model);
    if (!status.ok()) return failed(std::string("SentencePiece: ") + message(&status));
  } catch (const std::exception& error) {
    return failed(std::string("SentencePiece: ") + error.what());
  }
  return model;
}

}  // namespace lathe::run
