// NEON's lanes for all but the f32 tile, which is over vectors of any length (tile_sve.inl.h).

struct SveLanes : NeonLanes {
  static constexpr Isa kIsa = Isa::sve;
};
