// One contender for one shape, as something that can be called: ours through ops::MatmulPlan in one team program per
// call, a library through its own interface. Each rotates through the operands' copies by itself.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "probe/operands.h"
#include "probe/reference.h"
#include "tune/provider.h"

namespace lathe::probe {

struct Contender {
  int64_t row = 0;  // of the report
  Numerics numerics = Numerics::f32;
  std::string numerics_name;
  bool plain = false;                  // writes Operands::plain, without the epilogue
  std::function<void(int64_t i)> run;  // call i, on copy i
};

// `operands` and `team` must outlive what is made.
Result<Contender> our_contender(const matmul::Variant& variant, Operands& operands, Team& team);

// Why a provider cannot take the problem; empty where it can.
std::string provider_refusal(const tune::Provider& provider, const matmul::Problem& problem);
Result<Contender> sgemm_contender(const tune::Provider& provider, Operands& operands);
Result<Contender> prepared_contender(const tune::Provider& provider, Operands& operands);

}  // namespace lathe::probe
