// The plug-in of one MPI implementation: src/ranks/mpi_abi.h by its library. Compiled once for each that is installed
// (cmake/LatheMpi.cmake).
#include <mpi.h>

#include <climits>
#include <cstdio>
#include <vector>

#include "ranks/mpi_abi.h"

namespace {

// By number; those of free_numbers are used up.
std::vector<MPI_Request> requests;
std::vector<int> free_numbers;

int told(int code, const char* what, char* why) {
  if (code == MPI_SUCCESS) return 0;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
  std::snprintf(why, kLatheMpiWhy, "%s failed: %.*s", what, length, text);
  return 1;
}

int begin(int* rank, int* size, char* why) {
  int provided = 0;
  int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  if (code != MPI_SUCCESS) return told(code, "MPI_Init_thread", why);
  if (provided < MPI_THREAD_SERIALIZED) {
    std::snprintf(why, kLatheMpiWhy, "the MPI library gives thread level %d, needed: %d (MPI_THREAD_SERIALIZED)",
                  provided, MPI_THREAD_SERIALIZED);
    return 1;
  }
  code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (code == MPI_SUCCESS) code = MPI_Comm_rank(MPI_COMM_WORLD, rank);
  if (code == MPI_SUCCESS) code = MPI_Comm_size(MPI_COMM_WORLD, size);
  return told(code, "MPI_COMM_WORLD", why);
}

int keep(MPI_Request request) {
  if (free_numbers.empty()) {
    requests.push_back(request);
    return static_cast<int>(requests.size()) - 1;
  }
  const int number = free_numbers.back();
  free_numbers.pop_back();
  requests[static_cast<size_t>(number)] = request;
  return number;
}

bool too_long(int64_t bytes, char* why) {
  if (bytes <= INT_MAX) return false;
  std::snprintf(why, kLatheMpiWhy, "a message has %lld bytes, needed: at most %d", static_cast<long long>(bytes),
                INT_MAX);
  return true;
}

int send(int to, int tag, const void* data, int64_t bytes, int* number, char* why) {
  if (too_long(bytes, why)) return 1;
  MPI_Request request = MPI_REQUEST_NULL;
  const int code = MPI_Isend(data, static_cast<int>(bytes), MPI_BYTE, to, tag, MPI_COMM_WORLD, &request);
  if (code != MPI_SUCCESS) return told(code, "MPI_Isend", why);
  *number = keep(request);
  return 0;
}

int receive(int from, int tag, void* data, int64_t bytes, int* number, char* why) {
  if (too_long(bytes, why)) return 1;
  MPI_Request request = MPI_REQUEST_NULL;
  const int code = MPI_Irecv(data, static_cast<int>(bytes), MPI_BYTE, from, tag, MPI_COMM_WORLD, &request);
  if (code != MPI_SUCCESS) return told(code, "MPI_Irecv", why);
  *number = keep(request);
  return 0;
}

int test(int number, int* done, char* why) {
  const int code = MPI_Test(&requests[static_cast<size_t>(number)], done, MPI_STATUS_IGNORE);
  if (code == MPI_SUCCESS && *done != 0) free_numbers.push_back(number);
  return told(code, "MPI_Test", why);
}

int end(char* why) { return told(MPI_Finalize(), "MPI_Finalize", why); }

void abort_all(int exit_code) { MPI_Abort(MPI_COMM_WORLD, exit_code); }

constexpr LatheMpi kFunctions = {kLatheMpiVersion, begin, send, receive, test, end, abort_all};

}  // namespace

extern "C" [[gnu::visibility("default")]] const LatheMpi* lathe_mpi() { return &kFunctions; }
