#include "answer_interrupt.h"

#include <semaphore.h>

#include <csignal>
#include <utility>

namespace lathe::cli {
namespace {

// What a handler may touch: POSIX lets it post a semaphore, and neither lock nor notify. Never destroyed: a signal may
// still be on its way to the handler when an answer ends.
sem_t interrupts;

}  // namespace

struct AnswerInterrupt::Before {
  struct sigaction action;
};

AnswerInterrupt::AnswerInterrupt(std::function<void()> stop) : before_(std::make_unique<Before>()) {
  ::sem_init(&interrupts, 0, 0);
  waiter_ = std::thread([this, stop = std::move(stop)] {
    for (;;) {
      while (::sem_wait(&interrupts) != 0) {
      }
      if (done_.load()) return;
      stop();
    }
  });
  struct sigaction action {};
  action.sa_handler = [](int) { ::sem_post(&interrupts); };
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, &before_->action);
}

AnswerInterrupt::~AnswerInterrupt() {
  ::sigaction(SIGINT, &before_->action, nullptr);
  done_.store(true);
  ::sem_post(&interrupts);
  waiter_.join();
}

}  // namespace lathe::cli
