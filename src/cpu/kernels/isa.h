#pragma once

#include "worker/base/result.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace cpu {

using worker::Result;

// The instruction sets that kernels are written for, each faster than the one before.
enum class Isa : std::uint8_t {
    portable,  // plain C++: what the others are tested against
    avx2,      // AVX2, FMA, F16C
    avx512,    // AVX-512 F, BW, DQ, VL, VNNI
};

// "portable", "avx2", "avx512".
std::string_view name(Isa isa);

// Those that this CPU and its system can run, in ascending order.
std::vector<Isa> available();

// The best for "auto". Errors: config_invalid, naming those that this machine has.
Result<Isa> choose_isa(std::string_view wanted);

}  // namespace cpu
