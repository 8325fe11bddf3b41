#include "ranks/mpi_transport.h"

#include "platform/shared_library.h"
#include "ranks/mpi_abi.h"

namespace lathe::ranks {
namespace {

struct Row {
  const char *name, *file, *packages;
};
constexpr Row kRows[] = {{"Open MPI", "lathe_mpi_openmpi.so", "libopenmpi-dev"},
                         {"MPICH", "lathe_mpi_mpich.so", "libmpich-dev"}};
const Row& row(Mpi mpi) { return kRows[static_cast<size_t>(mpi)]; }

class MpiTransport final : public Transport {
 public:
  MpiTransport(const LatheMpi& mpi, int rank, int size) : mpi_(mpi), rank_(rank), size_(size) {}

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  Result<Request> send(int to, int tag, std::span<const std::byte> bytes) override {
    Request request = 0;
    if (mpi_.send(to, tag, bytes.data(), static_cast<int64_t>(bytes.size()), &request, why_) != 0) return wrong();
    return request;
  }
  Result<Request> receive(int from, int tag, std::span<std::byte> bytes) override {
    Request request = 0;
    if (mpi_.receive(from, tag, bytes.data(), static_cast<int64_t>(bytes.size()), &request, why_) != 0) return wrong();
    return request;
  }
  Result<bool> done(Request request) override {
    int done = 0;
    if (mpi_.test(request, &done, why_) != 0) return wrong();
    return done != 0;
  }
  Status end() override { return mpi_.end(why_) == 0 ? Status() : wrong(); }
  void abort(int exit_code) override { mpi_.abort(exit_code); }

 private:
  Status wrong() const { return failed(std::string("MPI: ") + why_); }

  const LatheMpi& mpi_;
  const int rank_, size_;
  char why_[kLatheMpiWhy] = {};
};

}  // namespace

const char* mpi_name(Mpi mpi) { return row(mpi).name; }

Result<std::unique_ptr<Transport>> open_mpi(Mpi mpi, const std::vector<std::string>& folders) {
  std::vector<std::string> files;
  for (const std::string& folder : folders) files.push_back(folder + "/" + row(mpi).file);
  const auto library = SharedLibrary::open(files);
  if (!library)
    return not_found(std::string(row(mpi).name) + " started this process, and " + row(mpi).file +
                     ", which speaks to it, is not there or cannot be opened: " + library.status().message() +
                     "; needed: lathe built where " + row(mpi).packages + " is installed, which makes it");
  const LatheMpi* (*give)() = nullptr;
  if (!library->find(LATHE_MPI_SYMBOL, &give))
    return unsupported(library->file() + ": has no " LATHE_MPI_SYMBOL ", needed: a plug-in of lathe");
  const LatheMpi& functions = *give();
  if (functions.version != kLatheMpiVersion)
    return unsupported(library->file() + ": is a plug-in of version " + std::to_string(functions.version) +
                       ", needed: " + std::to_string(kLatheMpiVersion) + ", from the same build as lathe");
  int rank = 0, size = 0;
  char why[kLatheMpiWhy] = {};
  if (functions.begin(&rank, &size, why) != 0) return failed(library->file() + ": " + why);
  return std::unique_ptr<Transport>(std::make_unique<MpiTransport>(functions, rank, size));
}

}  // namespace lathe::ranks
