// The gradients of all ranks' passes, added up in the order of the passes, while the passes still run.
//
// The arrays are cut into chunks that have owners. Every rank sends a chunk to its owner once it is final, from the end
// of the array to its beginning, as the backward pass leaves them; the owner adds what came in the order of the ranks,
// and sends the sum to all when no more rounds of passes follow. So each rank sends and receives as much as in a ring,
// 2 (R - 1) / R of the array in one round, and an element's sum is ((g0 + g1) + g2) + ..., each addition rounded once:
// what one process does with the passes one after the other (TrainModel::backward).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <vector>

#include "kernels/optimizer/optimizer.h"
#include "ranks/group.h"

namespace lathe::ranks {

// Flat arrays of `size` elements.
struct GradientRound {
  int64_t size = 0;
  float* mine = nullptr;                             // of this rank's pass; nullptr: it makes none in this round
  const float* also = nullptr;                       // what is added to `mine` before all; nullptr: nothing
  float* sum = nullptr;                              // of all; where it is not `further`, it may be `mine`
  int contributors = 0;                              // ranks 0 to contributors - 1 make a pass
  bool further = false;                              // the sums of the rounds before stand in `sum`, at the owners
  bool last = false;                                 // the sums go to all
  const std::atomic<int64_t>* final_from = nullptr;  // of `mine` (and `also`), as TrainModel::Pass has it
};

class GradientSum final : public Job {
 public:
  explicit GradientSum(const Group& group);

  // Before it is begun; what the round names stays until it is done.
  void prepare(const GradientRound& round);
  Result<bool> poll(Transport& transport) override;

 private:
  // From the network to an owner: a chunk of each of the others who contribute.
  struct Slot {
    int64_t chunk = -1;
    std::vector<Transport::Request> receiving;
    std::vector<std::vector<float>> parts;  // by rank
  };
  struct Sending {
    Transport::Request request;
    int64_t chunk;  // that may be overwritten afterwards; -1: a sum
  };
  // Of one owner's sums, the next of his chunks.
  struct Incoming {
    int64_t next;
    std::deque<Transport::Request> receiving;
  };

  int64_t begin_of(int64_t chunk) const;
  int64_t length_of(int64_t chunk) const;
  int owner(int64_t chunk) const { return static_cast<int>(chunk % size_); }
  // The largest chunk of `rank` that is below `chunk`; negative: there is none.
  int64_t below(int64_t chunk, int rank) const;
  bool contributes(int rank) const { return rank < round_.contributors; }

  Status offer(Transport& t);
  Status ask(Transport& t);
  Status add(Transport& t);
  Status take_sums(Transport& t);
  Status reap(Transport& t);
  void add_parts(Slot& slot);
  bool done() const;

  const int rank_, size_;
  const optimizer::Variant& kernel_;
  GradientRound round_{};
  int64_t offered_ = 0;  // chunks from this one on are final, and sent where another owns them
  int64_t asked_ = 0;    // likewise received, of those that this rank owns
  std::vector<Slot> slots_;
  std::deque<size_t> waiting_;  // slots, in the order of their chunks
  std::vector<size_t> free_;
  std::vector<Sending> sending_;
  std::vector<uint8_t> held_;  // by chunk: it is not yet sent
  std::vector<Incoming> incoming_;
};

}  // namespace lathe::ranks
