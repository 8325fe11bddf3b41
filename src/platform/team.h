// The thread team: persistent workers that enter a program together, once per forward pass or training step, and
// meet at barriers inside it. Waiting spins for a bounded time and then parks in the kernel, so that a descheduled
// worker costs a wake-up and never a time slice of everyone.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "lathe/status.h"

namespace lathe {

class Team {
 public:
  struct Options {
    int threads = 0;  // 0: what the machine recommends (cores, affinity mask, cgroup quota)
    // Bind worker i to the i-th allowed CPU. Worker 0 is the creating thread: the destructor gives it back its CPUs.
    bool pin = false;
  };

  class Worker {
   public:
    int id() const { return id_; }  // 0 .. count()-1; 0 is the thread that called run()
    int count() const { return count_; }
    // All workers of the running program meet here. Everything written before is visible to all after.
    void barrier();
    // Hands out 0, 1, 2, ... once each over all workers since the last reset; for dynamic division of work.
    // `counter` is one of kCounters independent counters; reset_counter is called by one worker, between two barriers.
    int64_t next(int counter = 0);
    void reset_counter(int counter = 0);

    static constexpr int kCounters = 4;

   private:
    friend class Team;
    Team* team_ = nullptr;
    int id_ = 0;
    int count_ = 1;
  };

  static Result<std::unique_ptr<Team>> create(Options options);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const;

  // Runs `program(worker)` on `workers` threads (0: all), the caller among them, and returns when all have left it.
  // Nothing is allocated. Not reentrant: a program must not call run() on its own team, and one thread at a time runs
  // programs. A program does not throw (the process would end). Counters start at 0.
  template <class Program>
  void run(Program&& program, int workers = 0) {
    run_erased([](void* p, Worker& w) { (*static_cast<std::remove_reference_t<Program>*>(p))(w); },
               const_cast<void*>(static_cast<const void*>(&program)), workers);
  }

 private:
  struct Shared;
  explicit Team(std::unique_ptr<Shared> shared);
  void run_erased(void (*entry)(void*, Worker&), void* context, int workers) noexcept;
  std::unique_ptr<Shared> shared_;
};

}  // namespace lathe
