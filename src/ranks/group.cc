#include "ranks/group.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "platform/clock.h"
#include "platform/executable.h"

namespace lathe::ranks {
namespace {

constexpr auto kWaitedPause = std::chrono::microseconds(20);
// Beside a process that computes: 2,000 looks a second are below 1 % of a core, and 16 chunks of 256 KiB between two of
// them are 8 GB/s.
constexpr std::chrono::nanoseconds kBusyPause = std::chrono::microseconds(500);
constexpr auto kIdlePause = std::chrono::milliseconds(100);
constexpr auto kLeave = std::chrono::seconds(10);

// Where a rank runs. Where another sees the same host and the same numbers of processes, it sees it die.
struct Place {
  char host[64] = {};
  char processes[64] = {};  // the name space of their numbers
  int64_t process = 0;
};

Place this_place() {
  Place place;
  if (::gethostname(place.host, sizeof place.host - 1) != 0) place.host[0] = '?';
  process_namespace().copy(place.processes, sizeof place.processes - 1);
  place.process = ::getpid();
  return place;
}

// Nothing where `other` cannot be seen from `mine`.
int64_t visible_process(const Place& mine, const Place& other) {
  const bool same = mine.processes[0] != 0 && std::string_view(mine.processes) == other.processes &&
                    std::string_view(mine.host) == other.host;
  return same ? other.process : 0;
}

// An answer that it may not be asked is one of a process that is there.
bool is_gone(pid_t process) { return ::kill(process, 0) != 0 && errno == ESRCH; }

double seconds(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

}  // namespace

// What one rank says to another every now and then.
struct Group::Beat {
  int32_t left = 0;  // the last one: the rank ends
  char why[1020] = {};
};

struct Group::Peer {
  int rank = 0;
  Beat out{}, in{};
  std::optional<Transport::Request> sending{}, receiving{};
  int64_t heard = 0, spoke = 0;
  std::atomic<int64_t> process{0};  // 0: it cannot be seen from here
  bool said = false;                // that this rank ends
  bool left = false;                // it said so itself, or is lost
};

// Everybody's bytes to everybody.
class Group::Exchange final : public Job {
 public:
  void prepare(std::span<const std::byte> mine, int size) {
    mine_.assign(mine.begin(), mine.end());
    all_.assign(mine.size() * static_cast<size_t>(size), std::byte{});
    begun_ = false;
  }
  std::span<const std::byte> all() const { return all_; }

  Result<bool> poll(Transport& t) override {
    if (!begun_) {
      begun_ = true;
      std::ranges::copy(mine_, all_.begin() + at(t.rank()));
      for (int peer = 0; peer < t.size(); ++peer) {
        if (peer == t.rank()) continue;
        const auto sending = t.send(peer, kExchangeTag, mine_);
        if (!sending) return sending.status();
        const auto receiving = t.receive(peer, kExchangeTag, {all_.data() + at(peer), mine_.size()});
        if (!receiving) return receiving.status();
        requests_.push_back(*sending);
        requests_.push_back(*receiving);
      }
    }
    for (size_t i = 0; i < requests_.size();) {
      const auto done = t.done(requests_[i]);
      if (!done) return done.status();
      if (!*done) {
        ++i;
        continue;
      }
      requests_[i] = requests_.back();
      requests_.pop_back();
    }
    return requests_.empty();
  }

 private:
  int64_t at(int rank) const { return rank * static_cast<int64_t>(mine_.size()); }

  std::vector<std::byte> mine_, all_;
  std::vector<Transport::Request> requests_;
  bool begun_ = false;
};

Group::Group(std::unique_ptr<Transport> transport, Options options)
    : transport_(std::move(transport)),
      options_(std::move(options)),
      rank_(transport_->rank()),
      size_(transport_->size()),
      hosts_(static_cast<size_t>(size_), "?"),
      exchange_(std::make_unique<Exchange>()) {
  for (int rank = 0; rank < size_; ++rank) {
    if (rank == rank_) continue;
    peers_.push_back(std::make_unique<Peer>());
    peers_.back()->rank = rank;
    peers_.back()->heard = now_ns();
  }
}

Result<std::unique_ptr<Group>> Group::create(std::unique_ptr<Transport> transport, Options options) {
  std::unique_ptr<Group> group(new Group(std::move(transport), std::move(options)));
  try {
    group->thread_ = std::thread([&g = *group] { g.work(); });
  } catch (const std::system_error& error) {
    return failed(std::string("cannot start a thread for the other ranks: ") + error.what());
  }
  const Place mine = this_place();
  std::vector<Place> all(static_cast<size_t>(group->size_));
  Status status = group->exchange("the names of the hosts", std::as_bytes(std::span(&mine, 1)),
                                  std::as_writable_bytes(std::span(all)));
  if (!status.ok()) return status;
  const std::lock_guard lock(group->mutex_);
  for (size_t i = 0; i < all.size(); ++i) group->hosts_[i] = std::string(all[i].host);
  for (const auto& peer : group->peers_) peer->process = visible_process(mine, all[static_cast<size_t>(peer->rank)]);
  return group;
}

Group::~Group() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  to_thread_.notify_one();
  if (thread_.joinable()) thread_.join();
  transport_.reset();  // before the peers, whose buffers its messages may be waiting for
}

void Group::begin(Job& job, std::string what) {
  {
    const std::lock_guard lock(mutex_);
    what_ = std::move(what);
    if (!failure_.ok()) return;  // which wait() tells
    job_ = &job;
  }
  to_thread_.notify_one();
}

Status Group::wait() {
  std::unique_lock lock(mutex_);
  waiting_ = true;
  to_thread_.notify_one();
  to_process_.wait(lock, [&] { return job_ == nullptr; });
  waiting_ = false;
  told_ = !failure_.ok();
  return failure_;
}

Status Group::exchange(std::string what, std::span<const std::byte> mine, std::span<std::byte> all) {
  exchange_->prepare(mine, size_);
  begin(*exchange_, std::move(what));
  if (Status status = wait(); !status.ok()) return status;
  std::ranges::copy(exchange_->all(), all.begin());
  return {};
}

bool Group::leave(const std::string& why) {
  std::unique_lock lock(mutex_);
  leaving_ = true;
  farewell_ = why;
  if (!why.empty()) in_peace_ = false;
  job_ = nullptr;
  to_thread_.notify_one();
  return to_process_.wait_for(lock, kLeave, [&] { return alone_; }) && in_peace_;
}

Status Group::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  to_thread_.notify_one();
  thread_.join();
  return transport_->end();
}

void Group::abort(int exit_code) {
  transport_->abort(exit_code);
  std::_Exit(exit_code);
}

bool Group::first_has_spoken() const {
  const std::lock_guard lock(mutex_);
  return first_spoke_;
}

void Group::work() {
  for (int64_t last = now_ns();;) {
    const int64_t now = now_ns();
    // A machine that slept, or a process that was stopped, has heard nobody for its own reasons.
    if (now - last > options_.silence_ns / 2)
      for (const auto& peer : peers_) peer->heard = now;
    last = now;
    if (Status status = tick(now); !status.ok()) fail(status);
    std::string lost;
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
      if (!failure_.ok() && !told_ && now - failed_ns_ > options_.grace_ns) lost = failure_.message();
      told_ = told_ || !lost.empty();
    }
    if (!lost.empty() && options_.lost) options_.lost(lost);
    pause();
  }
}

Status Group::tick(int64_t now) {
  bool alone = true;
  Status first;
  for (const auto& peer : peers_) {
    Status status = speak(*peer, now);
    if (status.ok()) status = hear(*peer, now);
    if (!status.ok()) {  // nothing more is expected of it, and nothing more can be said to it
      peer->left = peer->said = true;
      peer->sending.reset();
    }
    if (first.ok()) first = status;
    alone = alone && peer->left && peer->said && !peer->sending;
  }
  if (first.ok()) first = poll_job(now);
  const std::lock_guard lock(mutex_);
  if (alone && leaving_ && !alone_) {
    alone_ = true;
    to_process_.notify_one();
  }
  return first;
}

Status Group::speak(Peer& peer, int64_t now) {
  if (peer.sending) {
    const auto done = transport_->done(*peer.sending);
    if (!done) return peer.sending.reset(), done.status();
    if (!*done) return {};
    peer.sending.reset();
  }
  const std::lock_guard lock(mutex_);
  if (peer.said || (!leaving_ && now - peer.spoke < options_.beat_ns)) return {};
  if (leaving_) {
    peer.said = true;
    peer.out.left = 1;
    const size_t length = std::min(farewell_.size(), sizeof peer.out.why - 1);
    std::memcpy(peer.out.why, farewell_.data(), length);
  }
  peer.spoke = now;
  const auto sending = transport_->send(peer.rank, kBeatTag, std::as_bytes(std::span(&peer.out, 1)));
  if (!sending) return sending.status();
  peer.sending = *sending;
  return {};
}

Status Group::hear(Peer& peer, int64_t now) {
  if (peer.left) return {};
  if (peer.receiving) {
    const auto done = transport_->done(*peer.receiving);
    if (!done) return done.status();
    if (!*done) {
      const std::lock_guard lock(mutex_);
      if (const auto process = static_cast<pid_t>(peer.process); process > 0 && is_gone(process))
        return failed(fmt::format("rank {} on host {}, process {}, has died", peer.rank, host(peer.rank), process));
      if (now - peer.heard <= options_.silence_ns) return {};
      return failed(fmt::format("rank {} on host {} has given no sign of life for {:.1f} s, needed: one every {:.1f} s",
                                peer.rank, host(peer.rank), seconds(now - peer.heard), seconds(options_.beat_ns)));
    }
    peer.receiving.reset();
    peer.heard = now;
    peer.in.why[sizeof peer.in.why - 1] = 0;
    if (peer.in.left != 0) {
      peer.left = true;
      if (peer.in.why[0] != 0) heard_farewell(peer, now);
      return {};
    }
  }
  const auto receiving = transport_->receive(peer.rank, kBeatTag, std::as_writable_bytes(std::span(&peer.in, 1)));
  if (!receiving) return receiving.status();
  peer.receiving = *receiving;
  return {};
}

void Group::heard_farewell(const Peer& peer, int64_t now) {
  const std::lock_guard lock(mutex_);
  in_peace_ = false;
  if (peer.rank == 0) first_spoke_ = true;
  if (!ended_.ok()) return;
  ended_ = failed(fmt::format("rank {} on host {} has ended: {}", peer.rank, host(peer.rank), peer.in.why));
  ended_ns_ = now;
}

Status Group::poll_job(int64_t now) {
  Job* job = nullptr;
  {
    const std::lock_guard lock(mutex_);
    job = job_;
  }
  if (job == nullptr) return {};
  const auto done = job->poll(*transport_);
  if (!done) return done.status();
  if (!*done) return now - ended_ns_ < options_.beat_ns ? Status{} : ended_;
  const std::lock_guard lock(mutex_);
  if (job_ != job) return {};
  job_ = nullptr;
  what_.clear();
  to_process_.notify_one();
  return {};
}

void Group::fail(const Status& status) {
  const std::lock_guard lock(mutex_);
  in_peace_ = false;
  if (!failure_.ok() || leaving_) return;
  failure_ = {status.code(), status.message() + awaited()};
  failed_ns_ = now_ns();
  job_ = nullptr;
  to_process_.notify_one();
}

std::string Group::awaited() const {
  return what_.empty() ? "" : fmt::format("; rank {} on host {} was waiting for {}", rank_, host(rank_), what_);
}

void Group::pause() {
  std::unique_lock lock(mutex_);
  if (ending_) return;
  if (waiting_ || (leaving_ && !alone_)) {
    lock.unlock();
    std::this_thread::sleep_for(kWaitedPause);
  } else {
    const auto idle = std::min<std::chrono::nanoseconds>(kIdlePause, std::chrono::nanoseconds(options_.beat_ns / 2));
    const auto longest = job_ != nullptr ? kBusyPause : idle;
    to_thread_.wait_for(lock, longest, [&] { return waiting_ || leaving_ != alone_ || ending_; });
  }
}

}  // namespace lathe::ranks
