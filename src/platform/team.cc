#include "platform/team.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "platform/affinity.h"
#include "platform/gate.h"
#include "platform/machine.h"

namespace lathe {
namespace {

// How long a wait spins before it parks. A parked thread costs its waker a system call and wakes some 5 to 50
// microseconds later, so spinning about that long is never worse than twice the best choice.
constexpr int64_t kBarrierSpinNs = 50'000;
// Between programs: long enough to stay hot from one forward pass to the next, short enough that a team at rest takes
// nothing from whoever runs next in the process.
constexpr int64_t kIdleSpinNs = 100'000;
// With more threads than CPUs the one that is waited for may need the very CPU that the waiter spins on.
constexpr int64_t kCrowdedSpinNs = 1'000;

constexpr int kMostThreads = 1024;

struct alignas(kCacheLine) Counter {
  std::atomic<int64_t> value{0};
};

// A worker's own place to wait for programs: only those that take part in a program are touched by its start.
struct alignas(kCacheLine) Seat {
  Gate start;
  Place place;
  std::thread thread;
};

}  // namespace

struct Team::Shared {
  explicit Shared(int threads) : seats(static_cast<size_t>(threads)) {
    for (const Seat& seat : seats) places.push_back(&seat.place);
  }

  alignas(kCacheLine) Gate barrier;
  alignas(kCacheLine) std::atomic<uint32_t> arrived{0};
  alignas(kCacheLine) Countdown working;  // workers other than the caller that have not left the program
  Counter counters[Worker::kCounters];
  // The program, written before the seats' gates open. No entry: the team is dissolved.
  alignas(kCacheLine) void (*entry)(void*, Worker&) = nullptr;
  void* context = nullptr;
  int count = 1;
  std::vector<const Place*> places;
  std::vector<Seat> seats;  // seats[0] is the caller's and has no thread
  int64_t barrier_spin_ns = kBarrierSpinNs, idle_spin_ns = kIdleSpinNs;
  std::vector<int> callers_cpus;  // pinned: what the creating thread was allowed before
  std::thread::id creator;

  void serve(Team& team, int id, int cpu) noexcept;
};

void Team::Shared::serve(Team& team, int id, int cpu) noexcept {
  if (cpu >= 0) bind_to_cpus({cpu});  // a wish: where the system refuses, the worker runs unbound
  Seat& seat = seats[static_cast<size_t>(id)];
  for (uint32_t seen = 0;; ++seen) {
    seat.place.tell(Place::kIdle);
    seat.start.wait(seen, {idle_spin_ns, Place::kIdle, places});
    if (entry == nullptr) return;
    seat.place.tell(Place::kWorking);
    Worker worker;
    worker.team_ = &team, worker.id_ = id, worker.count_ = count;
    entry(context, worker);
    working.leave();
  }
}

Team::Team(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}

Result<std::unique_ptr<Team>> Team::create(Options options) {
  if (options.threads < 0 || options.threads > kMostThreads)
    return invalid_argument("threads is " + std::to_string(options.threads) + ": expected 1 to " +
                            std::to_string(kMostThreads) + ", or 0 for what the machine recommends");
  const std::vector<int> cpus = allowed_cpus();
  const int available = std::max<int>(1, static_cast<int>(cpus.size()));
  const int threads = options.threads > 0 ? options.threads : this_machine().threads;
  std::unique_ptr<Team> team(new Team(std::make_unique<Shared>(threads)));
  Shared& shared = *team->shared_;
  const double quota = this_machine().cpu_quota;
  if (threads > available || (quota > 0 && threads >= quota + 1))
    shared.barrier_spin_ns = shared.idle_spin_ns = kCrowdedSpinNs;
  const bool pin = options.pin && !cpus.empty();
  try {
    for (int id = 1; id < threads; ++id) {
      const int cpu = pin ? cpus[static_cast<size_t>(id) % cpus.size()] : -1;
      shared.seats[static_cast<size_t>(id)].thread =
          std::thread([&t = *team, id, cpu] { t.shared_->serve(t, id, cpu); });
    }
  } catch (const std::system_error& error) {
    return failed("cannot start " + std::to_string(threads) + " threads: " + error.what());
  }
  if (pin && bind_to_cpus({cpus[0]})) {  // last, so that the workers do not inherit it
    shared.callers_cpus = cpus;
    shared.creator = std::this_thread::get_id();
  }
  return team;
}

Team::~Team() {
  shared_->entry = nullptr;
  for (Seat& seat : shared_->seats) {
    if (!seat.thread.joinable()) continue;
    seat.start.advance();
    seat.thread.join();
  }
  if (shared_->creator == std::this_thread::get_id()) bind_to_cpus(shared_->callers_cpus);
}

int Team::size() const { return static_cast<int>(shared_->seats.size()); }

void Team::run_erased(void (*entry)(void*, Worker&), void* context, int workers) noexcept {
  Shared& shared = *shared_;
  const int count = workers > 0 ? std::min(workers, size()) : size();
  for (Counter& counter : shared.counters)  // a read of an unused counter's line is free, a write is not
    if (counter.value.load(std::memory_order_relaxed) != 0) counter.value.store(0, std::memory_order_relaxed);
  shared.entry = entry;
  shared.context = context;
  shared.count = count;
  shared.working.start(static_cast<uint32_t>(count - 1));
  shared.seats[0].place.tell(Place::kWorking);
  for (int id = 1; id < count; ++id) {
    Seat& seat = shared.seats[static_cast<size_t>(id)];
    seat.place.waits_for.store(Place::kWorking, std::memory_order_relaxed);  // from now, though it may sleep yet
    seat.start.advance();
  }
  Worker worker;
  worker.team_ = this, worker.count_ = count;
  entry(context, worker);
  if (count == 1) return;
  Place& place = shared.seats[0].place;
  place.tell(Place::kJoining);
  if (shared.working.wait({shared.barrier_spin_ns, Place::kJoining, shared.places})) place.tell(Place::kWorking);
}

void Team::Worker::barrier() {
  if (count_ == 1) return;
  Shared& shared = *team_->shared_;
  Place& place = shared.seats[static_cast<size_t>(id_)].place;
  // Read before arriving: the generation cannot move on until this worker has arrived.
  const uint32_t generation = shared.barrier.generation();
  place.tell(generation);
  if (shared.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<uint32_t>(count_)) {
    shared.arrived.store(0, std::memory_order_relaxed);  // published by the advance
    shared.barrier.advance();
  } else {
    if (shared.barrier.wait(generation, {shared.barrier_spin_ns, generation, shared.places}))
      place.tell(Place::kWorking);
  }
}

int64_t Team::Worker::next(int counter) {
  return team_->shared_->counters[counter].value.fetch_add(1, std::memory_order_relaxed);
}

void Team::Worker::reset_counter(int counter) {
  team_->shared_->counters[counter].value.store(0, std::memory_order_relaxed);
}

}  // namespace lathe
