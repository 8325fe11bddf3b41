// Sums and maxima over the threads of a workgroup, halved in a tree, so that subgroups play no part in the order.
shared float sums[gl_WorkGroupSize.x];

float over_threads(float sum) {
  const uint me = gl_LocalInvocationIndex;
  barrier();
  sums[me] = sum;
  for (uint half_way = gl_WorkGroupSize.x / 2; half_way > 0; half_way /= 2) {
    barrier();
    if (me < half_way) sums[me] += sums[me + half_way];
  }
  barrier();
  return sums[0];
}

float largest_over_threads(float value) {
  const uint me = gl_LocalInvocationIndex;
  barrier();
  sums[me] = value;
  for (uint half_way = gl_WorkGroupSize.x / 2; half_way > 0; half_way /= 2) {
    barrier();
    if (me < half_way) sums[me] = max(sums[me], sums[me + half_way]);
  }
  barrier();
  return sums[0];
}
