// Elements 0 .. count - 1 in order, the largest key first and of equal keys the first element, and what they weigh: of
// draw.comp, which says what key_of and weight_of are. Weights are whole numbers of 64 bits, low word first, so that
// sums do not depend on an order.

const uvec2 kNoTarget = uvec2(0xffffffffu);
const uint kBins = 2048, kEach = 8;  // kEach: neighbours that a thread takes

// Elements of a larger key than `least`, and of those that equal it the ones up to `last`.
struct Cut {
  uint least, last;
};
Cut cut;

shared uvec2 sums[gl_WorkGroupSize.x];
shared uint bins[kBins], high_bins[kBins];
shared uint found;
shared uvec2 missing;

uvec2 plus(uvec2 a, uvec2 b) {
  uint carry;
  const uint low = uaddCarry(a.x, b.x, carry);
  return uvec2(low, a.y + b.y + carry);
}
uvec2 minus(uvec2 a, uvec2 b) {
  uint borrow;
  const uint low = usubBorrow(a.x, b.x, borrow);
  return uvec2(low, a.y - b.y - borrow);
}
bool below(uvec2 a, uvec2 b) { return a.y < b.y || (a.y == b.y && a.x < b.x); }

// The product's words above 64 bits: so much of `whole` as `fraction` is of 2^64.
uvec2 share_of(uvec2 fraction, uvec2 whole) {
  uvec2 low, across, other, high;  // each low word first
  umulExtended(fraction.x, whole.x, low.y, low.x);
  umulExtended(fraction.x, whole.y, across.y, across.x);
  umulExtended(fraction.y, whole.x, other.y, other.x);
  umulExtended(fraction.y, whole.y, high.y, high.x);
  const uvec2 second = plus(plus(uvec2(low.y, 0), uvec2(across.x, 0)), uvec2(other.x, 0));
  return plus(plus(high, uvec2(across.y, 0)), plus(uvec2(other.y, 0), uvec2(second.y, 0)));
}

// The sum over the threads up to this one; sums[last thread] has all of them.
uvec2 scan(uvec2 mine) {
  const uint me = gl_LocalInvocationIndex;
  barrier();
  sums[me] = mine;
  barrier();
  for (uint distance = 1; distance < gl_WorkGroupSize.x; distance *= 2) {
    const uvec2 other = me >= distance ? sums[me - distance] : uvec2(0);
    barrier();
    sums[me] = plus(sums[me], other);
    barrier();
  }
  return sums[me];
}

bool keeps(uint key, uint i) { return key > cut.least || (key == cut.least && i <= cut.last); }

const uint kAll = 0, kEqual = 1, kKept = 2;
uvec2 measure(uint what, uint i) {
  if (i >= count) return uvec2(0);
  const uint key = key_of(i);
  if (what == kEqual && key != cut.least) return uvec2(0);
  if (what == kKept && !keeps(key, i)) return uvec2(0);
  return weight_of(key);
}

// The weight of all elements, of those that equal cut.least, or of those that are kept. Ends at `target`: `at` is the
// first element up to which the weight is above it, or `count`.
uvec2 walk(uint what, uvec2 target, out uint at) {
  const uint me = gl_LocalInvocationIndex;
  uvec2 sum = uvec2(0);
  barrier();
  if (me == 0) found = count;
  for (uint first = 0; first < count && !below(target, sum); first += gl_WorkGroupSize.x * kEach) {
    uint i = first + me * kEach;
    uvec2 held = uvec2(0);
    for (uint j = 0; j < kEach; ++j) held = plus(held, measure(what, i + j));
    const uvec2 end = plus(sum, scan(held));
    uvec2 here = minus(end, held);
    if (!below(target, here) && below(target, end)) {
      for (here = plus(here, measure(what, i)); !below(target, here); here = plus(here, measure(what, i))) ++i;
      found = i;
    }
    sum = plus(sum, sums[gl_WorkGroupSize.x - 1]);
  }
  barrier();
  at = found;
  return sum;
}

void add_to_bin(uint bin, uvec2 weight) {
  const uint before = atomicAdd(bins[bin], weight.x);
  const uint high = weight.y + (before + weight.x < before ? 1 : 0);
  if (high != 0) atomicAdd(high_bins[bin], high);
}

// What elements weigh whose keys begin with `prefix`, by the next bits of their keys.
void fill_bins(uint prefix, uint shift, uint bits) {
  const uint me = gl_LocalInvocationIndex;
  barrier();
  for (uint i = me; i < kBins; i += gl_WorkGroupSize.x) bins[i] = high_bins[i] = 0;
  barrier();
  for (uint i = me; i < count; i += gl_WorkGroupSize.x) {
    const uint key = key_of(i);
    if (shift + bits < 32 && key >> (shift + bits) != prefix) continue;
    const uvec2 weight = weight_of(key);
    if (weight != uvec2(0)) add_to_bin(key >> shift & ((1u << bits) - 1), weight);
  }
  barrier();
}

// From the highest on, the bin in which the sum comes to `wanted`; and what is missing when it begins.
uint find_bin(inout uvec2 wanted) {
  const uint each = kBins / gl_WorkGroupSize.x;
  uint bin = kBins - 1 - gl_LocalInvocationIndex * each;
  uvec2 held = uvec2(0);
  for (uint j = 0; j < each; ++j) held = plus(held, uvec2(bins[bin - j], high_bins[bin - j]));
  const uvec2 end = scan(held);
  uvec2 here = minus(end, held);
  if (below(here, wanted) && !below(end, wanted)) {
    for (uvec2 next; below(next = plus(here, uvec2(bins[bin], high_bins[bin])), wanted); --bin) here = next;
    found = bin;
    missing = minus(wanted, here);
  }
  barrier();
  wanted = missing;
  return found;
}

// The fewest elements in order that weigh `wanted` or more; all of them weigh that, and it is not 0.
void cut_at(uvec2 wanted) {
  uint prefix = 0;
  for (uint shift = 32, bits = 11; shift > 0;) {
    if (shift < bits) bits = shift;
    shift -= bits;
    fill_bins(prefix, shift, bits);
    prefix = prefix << bits | find_bin(wanted);
  }
  cut.least = prefix;
  uint last;
  walk(kEqual, minus(wanted, uvec2(1, 0)), last);
  cut.last = last;
}
