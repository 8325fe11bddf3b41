#include "ranks/gradient_sum.h"

#include <algorithm>

#include "base/checked.h"

namespace lathe::ranks {
namespace {

constexpr int kPartTag = kFirstJobTag, kSumTag = kFirstJobTag + 1;
// 256 KiB: long enough for a network's full rate, short enough that a layer is several.
constexpr int64_t kChunk = 64 << 10;
constexpr size_t kSlots = 4;       // chunks that an owner collects at a time
constexpr size_t kMostSends = 16;  // chunks under way from a rank, and as many sums to each other
constexpr size_t kMostSums = 4;    // chunks under way from an owner to this rank

}  // namespace

GradientSum::GradientSum(const Group& group)
    : rank_(group.rank()),
      size_(group.size()),
      kernel_(optimizer::best(cpu_features())),
      slots_(kSlots),
      incoming_(static_cast<size_t>(size_)) {
  for (Slot& slot : slots_) {
    slot.parts.resize(static_cast<size_t>(size_));
    for (int rank = 0; rank < size_; ++rank)
      if (rank != rank_) slot.parts[static_cast<size_t>(rank)].resize(kChunk);
  }
}

int64_t GradientSum::begin_of(int64_t chunk) const { return chunk * kChunk; }
int64_t GradientSum::length_of(int64_t chunk) const { return std::min(kChunk, round_.size - begin_of(chunk)); }

int64_t GradientSum::below(int64_t chunk, int rank) const {
  const int64_t most = chunk - 1 - rank;
  return most < 0 ? -1 : most / size_ * size_ + rank;
}

void GradientSum::prepare(const GradientRound& round) {
  round_ = round;
  const int64_t chunks = ceil_div(round.size, kChunk);
  offered_ = contributes(rank_) ? chunks : 0;
  asked_ = chunks;
  waiting_.clear();
  free_.clear();
  for (size_t i = 0; i < slots_.size(); ++i) free_.push_back(i);
  held_.assign(static_cast<size_t>(chunks), contributes(rank_));
  for (int rank = 0; rank < size_; ++rank)
    incoming_[static_cast<size_t>(rank)].next = round.last && rank != rank_ ? below(chunks, rank) : -1;
}

Result<bool> GradientSum::poll(Transport& t) {
  for (Status (GradientSum::*step)(Transport&) :
       {&GradientSum::reap, &GradientSum::offer, &GradientSum::ask, &GradientSum::add, &GradientSum::take_sums})
    if (Status status = (this->*step)(t); !status.ok()) return status;
  return done();
}

// What is final goes to its owner.
Status GradientSum::offer(Transport& t) {
  const int64_t final_from = offered_ > 0 ? round_.final_from->load(std::memory_order_acquire) : 0;
  for (; offered_ > 0 && begin_of(offered_ - 1) >= final_from && sending_.size() < kMostSends; --offered_) {
    const int64_t chunk = offered_ - 1, length = length_of(chunk);
    float* const part = round_.mine + begin_of(chunk);
    if (round_.also != nullptr) kernel_.add(part, round_.also + begin_of(chunk), length);
    if (owner(chunk) == rank_) {
      held_[static_cast<size_t>(chunk)] = 0;
      continue;
    }
    const auto request = t.send(owner(chunk), kPartTag, std::as_bytes(std::span(part, static_cast<size_t>(length))));
    if (!request) return request.status();
    sending_.push_back({*request, chunk});
  }
  return {};
}

// Receives for the next chunks of this rank.
Status GradientSum::ask(Transport& t) {
  while (!free_.empty()) {
    const int64_t chunk = below(asked_, rank_);
    if (chunk < 0) break;
    asked_ = chunk;
    const size_t index = free_.back();
    free_.pop_back();
    waiting_.push_back(index);
    Slot& slot = slots_[index];
    slot.chunk = chunk;
    for (int rank = 0; rank < round_.contributors; ++rank) {
      if (rank == rank_) continue;
      const std::span part(slot.parts[static_cast<size_t>(rank)].data(), static_cast<size_t>(length_of(chunk)));
      const auto request = t.receive(rank, kPartTag, std::as_writable_bytes(part));
      if (!request) return request.status();
      slot.receiving.push_back(*request);
    }
  }
  return {};
}

// Adds up the chunks that have come from all, the highest first, and sends the sums on.
Status GradientSum::add(Transport& t) {
  while (!waiting_.empty() && sending_.size() < kMostSends * static_cast<size_t>(size_)) {
    Slot& slot = slots_[waiting_.front()];
    while (!slot.receiving.empty()) {
      const auto done = t.done(slot.receiving.back());
      if (!done) return done.status();
      if (!*done) return {};
      slot.receiving.pop_back();
    }
    if (held_[static_cast<size_t>(slot.chunk)] != 0) return {};  // this rank's own is not final yet
    add_parts(slot);
    free_.push_back(waiting_.front());
    waiting_.pop_front();
    if (!round_.last) continue;
    const std::span sum(round_.sum + begin_of(slot.chunk), static_cast<size_t>(length_of(slot.chunk)));
    for (int rank = 0; rank < size_; ++rank) {
      if (rank == rank_) continue;
      const auto request = t.send(rank, kSumTag, std::as_bytes(sum));
      if (!request) return request.status();
      sending_.push_back({*request, -1});
    }
  }
  return {};
}

void GradientSum::add_parts(Slot& slot) {
  const int64_t begin = begin_of(slot.chunk), length = length_of(slot.chunk);
  const auto part = [&](int rank) {
    return rank == rank_ ? round_.mine + begin : slot.parts[static_cast<size_t>(rank)].data();
  };
  float* const sum = round_.sum + begin;
  // The first part may be overwritten: it is a buffer, or `mine`, which in a first round nobody reads again.
  float* const into = round_.further ? sum : part(0);
  for (int rank = round_.further ? 0 : 1; rank < round_.contributors; ++rank) kernel_.add(into, part(rank), length);
  if (into != sum) std::copy_n(into, length, sum);
}

// The sums of the others, each to its place once what stands there is sent.
Status GradientSum::take_sums(Transport& t) {
  for (int rank = 0; rank < size_; ++rank) {
    Incoming& from = incoming_[static_cast<size_t>(rank)];
    while (!from.receiving.empty()) {
      const auto done = t.done(from.receiving.front());
      if (!done) return done.status();
      if (!*done) break;
      from.receiving.pop_front();
    }
    while (from.next >= 0 && held_[static_cast<size_t>(from.next)] == 0 && from.receiving.size() < kMostSums) {
      const std::span sum(round_.sum + begin_of(from.next), static_cast<size_t>(length_of(from.next)));
      const auto request = t.receive(rank, kSumTag, std::as_writable_bytes(sum));
      if (!request) return request.status();
      from.receiving.push_back(*request);
      from.next = below(from.next, rank);
    }
  }
  return {};
}

Status GradientSum::reap(Transport& t) {
  for (size_t i = 0; i < sending_.size();) {
    const auto done = t.done(sending_[i].request);
    if (!done) return done.status();
    if (!*done) {
      ++i;
      continue;
    }
    if (sending_[i].chunk >= 0) held_[static_cast<size_t>(sending_[i].chunk)] = 0;
    sending_[i] = sending_.back();
    sending_.pop_back();
  }
  return {};
}

bool GradientSum::done() const {
  return offered_ == 0 && below(asked_, rank_) < 0 && waiting_.empty() && sending_.empty() &&
         std::ranges::all_of(incoming_, [](const Incoming& from) { return from.next < 0 && from.receiving.empty(); });
}

}  // namespace lathe::ranks
