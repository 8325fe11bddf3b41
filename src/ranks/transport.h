// Messages between the processes of a run, the ranks: what an MPI library gives, or a fake in a test. One thread at a
// time.
#pragma once

#include <cstddef>
#include <span>

#include "lathe/status.h"

namespace lathe::ranks {

class Transport {
 public:
  using Request = int;

  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Each begins, and is over when done() said so; the bytes stay where they are until then. Messages of one sender
  // with one tag arrive in the order in which they were sent, each in a receive of its length.
  virtual Result<Request> send(int to, int tag, std::span<const std::byte> bytes) = 0;
  virtual Result<Request> receive(int from, int tag, std::span<std::byte> bytes) = 0;
  // True once, and the request is used up. What is under way advances where this is asked, and only there.
  virtual Result<bool> done(Request request) = 0;

  // By every rank, with nothing under way; then nothing more is called.
  virtual Status end() = 0;
  // Ends the processes of all ranks, as far as they can be reached; it returns where that does not end this one.
  virtual void abort(int exit_code) = 0;
};

}  // namespace lathe::ranks
