#pragma once

#include "worker/model_file/half.h"

namespace cpu {

// Not for files that are built for an instruction set: these have their own, and a function has one
// definition only.
using worker::float_of_bfloat;
using worker::float_of_half;

}  // namespace cpu
