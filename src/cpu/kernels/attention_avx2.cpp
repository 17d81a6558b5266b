#include "cpu/kernels/attention_simd.h"
#include "cpu/kernels/kernel_tables.h"

namespace cpu {

constinit const AttentionKernels attention_avx2 = kernels;

}  // namespace cpu
