#pragma once

#include "cpu/kernels/attention.h"
#include "cpu/kernels/vector_ops.h"

namespace cpu {

// Each in the file built for its instruction set.
extern const AttentionKernels attention_portable;
extern const AttentionKernels attention_avx2;
extern const AttentionKernels attention_avx512;
extern const VectorKernels vector_ops_portable;
extern const VectorKernels vector_ops_avx2;
extern const VectorKernels vector_ops_avx512;

}  // namespace cpu
