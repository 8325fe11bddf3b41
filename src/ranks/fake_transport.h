// Ranks that are threads of one process, for tests. A send is over when its bytes were copied to where they are
// received, as a long message of MPI's is: what is overwritten too early is seen.
#pragma once

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "ranks/group.h"
#include "ranks/transport.h"

namespace lathe::ranks {

class FakeNetwork {
 public:
  using BeforeSend = std::function<void(int from, int to, int tag)>;  // which may take its time
  explicit FakeNetwork(int size, BeforeSend before_send = {}) : size_(size), before_send_(std::move(before_send)) {}
  std::unique_ptr<Transport> transport(int rank);

 private:
  friend class FakeTransport;
  struct Operation {
    std::byte* bytes;
    size_t size;
    bool done;
  };
  using Key = std::tuple<int, int, int>;  // from, to, tag
  using Queue = std::deque<std::shared_ptr<Operation>>;

  void match(const Key& key) {
    Queue &sends = sends_[key], &receives = receives_[key];
    while (!sends.empty() && !receives.empty()) {
      Operation &send = *sends.front(), &receive = *receives.front();
      if (send.size != receive.size) std::abort();  // a mistake of ours
      std::memcpy(receive.bytes, send.bytes, send.size);
      send.done = receive.done = true;
      sends.pop_front();
      receives.pop_front();
    }
  }

  const int size_;
  const BeforeSend before_send_;
  std::mutex mutex_;
  std::map<Key, Queue> sends_, receives_;
};

class FakeTransport final : public Transport {
 public:
  FakeTransport(FakeNetwork& network, int rank) : network_(network), rank_(rank) {}
  // What was begun and never met goes: its bytes are about to.
  ~FakeTransport() override {
    const std::lock_guard lock(network_.mutex_);
    for (const auto& [key, operation] : operations_)
      for (auto* queues : {&network_.sends_, &network_.receives_}) std::erase((*queues)[key], operation);
  }

  int rank() const override { return rank_; }
  int size() const override { return network_.size_; }
  Result<Request> send(int to, int tag, std::span<const std::byte> bytes) override {
    if (network_.before_send_) network_.before_send_(rank_, to, tag);
    return begin(network_.sends_, {rank_, to, tag}, const_cast<std::byte*>(bytes.data()), bytes.size());
  }
  Result<Request> receive(int from, int tag, std::span<std::byte> bytes) override {
    return begin(network_.receives_, {from, rank_, tag}, bytes.data(), bytes.size());
  }
  Result<bool> done(Request request) override {
    const std::lock_guard lock(network_.mutex_);
    const auto& [key, operation] = operations_[static_cast<size_t>(request)];
    network_.match(key);
    return operation->done;
  }
  Status end() override { return {}; }
  void abort(int) override {}

 private:
  Request begin(std::map<FakeNetwork::Key, FakeNetwork::Queue>& queues, const FakeNetwork::Key& key, std::byte* bytes,
                size_t size) {
    const std::lock_guard lock(network_.mutex_);
    auto operation = std::make_shared<FakeNetwork::Operation>(FakeNetwork::Operation{bytes, size, false});
    queues[key].push_back(operation);
    operations_.emplace_back(key, std::move(operation));
    return static_cast<Request>(operations_.size()) - 1;
  }

  FakeNetwork& network_;
  const int rank_;
  std::vector<std::pair<FakeNetwork::Key, std::shared_ptr<FakeNetwork::Operation>>> operations_;
};

inline std::unique_ptr<Transport> FakeNetwork::transport(int rank) {
  return std::make_unique<FakeTransport>(*this, rank);
}

// body(group) as each of `size` ranks, on a thread of its own.
template <class Body>
void on_fake_ranks(int size, const Group::Options& options, const Body& body,
                   FakeNetwork::BeforeSend before_send = {}) {
  FakeNetwork network(size, std::move(before_send));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      auto group = Group::create(network.transport(rank), options);
      if (!group) std::abort();
      body(**group);
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace lathe::ranks
