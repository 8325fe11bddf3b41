#include "gpu/draw.h"

#include "gpu/step_checks.h"

namespace lathe::gpu {

Status StepProgram::record(Recording& recording, const DrawArgs& a) const {
  if (Status s = check_op(StepOp::draw); !s.ok()) return s;
  Checks checks;
  checks.size("texts", a.texts, 1, most_groups_);
  checks.size("n", a.n, 1);
  checks.size("the distance of rows of x", a.x_row, a.n);
  checks.size("context", a.context, 1);
  checks.rows("x", a.x, a.texts, a.x_row, a.n);
  checks.rows("the room for candidates", a.candidates, a.texts, a.n, a.n);
  checks.rows("the room for exponentials", a.candidates_e, a.texts, a.n, a.n);
  checks.rows("the history", a.history, a.texts, a.context, a.context);
  checks.place("the array of ids", a.ids, a.texts * 4);
  checks.place("the array of positions", a.positions, a.texts * 4);
  checks.place("the block of settings", a.settings, a.texts * int64_t{sizeof(DrawSettings)}, 8);
  checks.place("the block of random numbers", a.random, a.texts * int64_t{sizeof(uint64_t)}, 8);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t x, ids, positions, history, settings, random, candidates, candidates_e;
    uint32_t n, x_row, context, unused;
  } push{address_of(a.x),
         address_of(a.ids),
         address_of(a.positions),
         address_of(a.history),
         address_of(a.settings),
         address_of(a.random),
         address_of(a.candidates),
         address_of(a.candidates_e),
         u32(a.n),
         u32(a.x_row),
         u32(a.context),
         0};
  dispatch(recording, *pipeline_, push, {a.texts, 1});
  return {};
}

}  // namespace lathe::gpu
