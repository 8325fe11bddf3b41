#include "gpu/draw.h"

#include "gpu/step_checks.h"

namespace lathe::gpu {

Status StepProgram::record(Recording& recording, const DrawArgs& a) const {
  if (Status s = check_op(StepOp::draw); !s.ok()) return s;
  Checks checks;
  checks.choice(a, most_groups_);
  checks.rows("the room for candidates", a.candidates, a.texts, a.n, a.n);
  checks.rows("the room for exponentials", a.candidates_e, a.texts, a.n, a.n);
  checks.place("the block of settings", a.settings, a.texts * int64_t{sizeof(DrawSettings)}, 8);
  checks.place("the block of random numbers", a.random, a.texts * int64_t{sizeof(uint64_t)}, 8);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t x, ids, positions, settings, random, candidates, candidates_e;
    uint32_t n, x_row;
  } push{address_of(a.x),      address_of(a.ids),        address_of(a.positions),    address_of(a.settings),
         address_of(a.random), address_of(a.candidates), address_of(a.candidates_e), u32(a.n),
         u32(a.x_row)};
  dispatch(recording, *pipeline_, push, {a.texts, 1});
  return {};
}

}  // namespace lathe::gpu
