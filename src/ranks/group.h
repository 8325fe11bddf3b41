// The ranks of a run: a thread that speaks to the others while this process computes, and knows who is still there.
//
// All calls of the transport are this thread's. It carries out one job at a time, sends every rank a sign of life every
// two seconds whatever the process does, and so tells a rank that is slow from one that is dead. A rank that ends says
// so, and why, before it goes.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "lathe/status.h"
#include "ranks/transport.h"

namespace lathe::ranks {

// What the thread does for the process, bit by bit.
class Job {
 public:
  virtual ~Job() = default;
  // Never waits. True where all is done. An error is the end of the group.
  virtual Result<bool> poll(Transport& transport) = 0;
};

constexpr int kBeatTag = 1, kExchangeTag = 2, kFirstJobTag = 3;

class Group {
 public:
  struct Options {
    int64_t beat_ns = 2'000'000'000;      // between signs of life
    int64_t silence_ns = 15'000'000'000;  // after which a rank counts as lost
    // The process is told by its next wait(). One that has not asked for so long, as it computes or hangs, is ended by
    // `lost`, which is called by the thread.
    int64_t grace_ns = 5'000'000'000;
    std::function<void(const std::string& why)> lost{};
  };
  // The ranks learn one another's hosts.
  static Result<std::unique_ptr<Group>> create(std::unique_ptr<Transport> transport, Options options);
  ~Group();  // ends the thread; nothing is said to the others
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  const std::string& host(int rank) const { return hosts_[static_cast<size_t>(rank)]; }

  // Every rank begins the same jobs in the same order, and waits for each before the next. `what` is the name of what
  // is awaited. The job, and what it reads and writes, outlives the group where wait() failed.
  void begin(Job& job, std::string what);
  // An error where a rank is lost or has ended: it names the rank, its host, and what was awaited.
  Status wait();
  // `all` gets everybody's `mine`, by rank; all are of one size.
  Status exchange(std::string what, std::span<const std::byte> mine, std::span<std::byte> all);

  // Says to the others that this rank ends, and why (empty: it is finished), and waits ten seconds for them to end
  // too. True where all are finished: then end() may follow. Nothing else may but abort().
  bool leave(const std::string& why);
  Status end();
  [[noreturn]] void abort(int exit_code);
  // Whether rank 0 has said why it ends.
  bool first_has_spoken() const;

 private:
  struct Beat;
  struct Peer;
  class Exchange;

  Group(std::unique_ptr<Transport> transport, Options options);
  void work();
  Status tick(int64_t now);
  Status hear(Peer& peer, int64_t now);
  void heard_farewell(const Peer& peer, int64_t now);
  Status speak(Peer& peer, int64_t now);
  Status poll_job(int64_t now);
  void fail(const Status& status);
  std::string awaited() const;  // ", while rank 0 waited for ...", or nothing
  void pause();

  std::unique_ptr<Transport> transport_;
  const Options options_;
  const int rank_, size_;
  std::vector<std::string> hosts_;
  std::vector<std::unique_ptr<Peer>> peers_;  // the thread's
  // The thread's: that a rank has ended, why, and since when. What it sent before is there by then, and what the others
  // sent may be a little behind it: only a job that is not done after another beat fails, so that ranks that find the
  // same error tell their own.
  Status ended_;
  int64_t ended_ns_ = 0;
  std::unique_ptr<Exchange> exchange_;

  mutable std::mutex mutex_;
  std::condition_variable to_thread_, to_process_;
  // Under the mutex.
  Job* job_ = nullptr;
  std::string what_, farewell_;
  Status failure_;
  int64_t failed_ns_ = 0;
  bool waiting_ = false, leaving_ = false, ending_ = false, alone_ = false, first_spoke_ = false, told_ = false;
  bool in_peace_ = true;
  std::thread thread_;
};

}  // namespace lathe::ranks
